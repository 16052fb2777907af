using System.Security.Cryptography;
using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.Models.Tests.Decoding;

/// <summary>The shipped TinyMoE against what its training program computed in double precision (cake target Golden).</summary>
public sealed class GoldenLogitsTests
{
    private const int Vocabulary = 256, Layers = 4, Experts = 8, WidestProduct = 192;

    private readonly int[] _prompt;
    private readonly double[] _logits;
    private readonly float[] _routerLogits;
    private readonly string _modelHash;

    public GoldenLogitsTests()
    {
        using SafetensorsFile golden = SafetensorsFile.Open(Path.Combine(AppContext.BaseDirectory, "golden", "tinymoe.safetensors"));
        var prompt = new byte[golden.Tensors["prompt"].ElementCount];
        golden.ReadBytes(golden.Tensors["prompt"], prompt);
        _prompt = Array.ConvertAll(prompt, b => (int)b);
        _logits = Array.ConvertAll(Floats(golden, "logits"), v => (double)v);
        _routerLogits = Floats(golden, "router_logits");
        _modelHash = golden.Metadata["model_sha256"];
    }

    private static string ModelDirectory => Path.Combine(AppContext.BaseDirectory, "TinyMoE");

    [Fact]
    public void Golden_WhenRead_BelongsToTheShippedWeights()
    {
        byte[] weights = File.ReadAllBytes(Path.Combine(ModelDirectory, "model.safetensors"));

        Assert.Equal(_modelHash, Convert.ToHexStringLower(SHA256.HashData(weights)));
        Assert.Equal(64, _prompt.Length);
        Assert.Equal(64 * Vocabulary, _logits.Length);
    }

    [Fact]
    public void Forward_WhenWeightsAreFloat32_GivesTheGoldenLogits()
    {
        using MoEModel model = MoEModel.Load(ModelDirectory);

        // A choice of experts that rounding turned would show: it moves logits by far more than the bound.
        Tolerance.F32Decoder(Layers, WidestProduct, _logits.Max(Math.Abs)).AssertClose(_logits, TestModels.Run(model, _prompt));
    }

    [Fact]
    public void Forward_WhenWeightsAreBFloat16_GivesTheGoldenLogitsWithinItsOwnBound()
    {
        using MoEModel model = MoEModel.Load(ModelDirectory, new ModelLoadOptions { WeightFormat = WeightFormat.BFloat16 });

        Tolerance.Bf16Decoder(Layers, _logits.Max(Math.Abs)).AssertClose(_logits, TestModels.Run(model, _prompt));
    }

    [Fact]
    public void Forward_WhenStatic_ChoosesTheGoldenExperts()
    {
        using MoEModel model = MoEModel.Load(ModelDirectory);
        MoESession session = model.CreateSession(64);
        _ = session.ForwardLast(_prompt, new float[Vocabulary]);

        for (int layer = 0; layer < Layers; layer++)
        {
            var chosen = new HashSet<int>();
            for (int t = 0; t < _prompt.Length; t++)
            {
                float[] row = Row(layer, t);
                chosen.UnionWith(Enumerable.Range(0, Experts).OrderByDescending(e => row[e]).Take(2));
            }

            Assert.Equal(chosen.Count, session.LastRouting[layer].Report.DistinctExperts);
        }
    }

    private float[] Row(int layer, int token) => _routerLogits.AsSpan(((layer * _prompt.Length) + token) * Experts, Experts).ToArray();

    private static float[] Floats(SafetensorsFile file, string name)
    {
        var values = new float[file.Tensors[name].ElementCount];
        file.ReadFloat32(file.Tensors[name], values);
        return values;
    }
}
