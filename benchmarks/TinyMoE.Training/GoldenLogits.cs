using System.Security.Cryptography;
using System.Text;
using static TorchSharp.torch;

namespace TinyMoE.Training;

/// <summary>Writes what this program computes in double precision on the shipped weights, for the tests of the product's own decoder.</summary>
internal static class GoldenLogits
{
    /// <summary>64 bytes that are in no part of the corpus.</summary>
    public const string Prompt = "Moves the cursor to the next expert and returns false when the l";

    /// <summary>
    /// Writes <c>prompt</c> (U8 [64]), <c>logits</c> (F32 [64, vocabulary]) and <c>router_logits</c> (F32 [layers, 64, experts]).
    /// </summary>
    public static void Write(string modelFolder, string path)
    {
        using var ungraded = no_grad();
        using var scope = NewDisposeScope();
        var decoder = Checkpoint.LoadModel(modelFolder, float64);
        var prompt = Encoding.ASCII.GetBytes(Prompt);
        var tokens = tensor(prompt.Select(value => (long)value).ToArray()).unsqueeze(0);
        var routers = new List<Tensor>();
        var rule = new RoutingRule(decoder.Shape.ExpertsPerToken, WeightRule.Renormalize);
        var logits = decoder.Forward(tokens, rule, trace => routers.Add(trace.Logits));

        var weights = File.ReadAllBytes(Path.Combine(modelFolder, Checkpoint.WeightsFile));
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        Checkpoint.WriteTensors(
            path,
            [("prompt", tensor(prompt)), ("logits", logits.to(float32)), ("router_logits", stack(routers).to(float32))],
            new() { ["computed_in"] = "float64", ["model_sha256"] = Convert.ToHexStringLower(SHA256.HashData(weights)) });
    }
}
