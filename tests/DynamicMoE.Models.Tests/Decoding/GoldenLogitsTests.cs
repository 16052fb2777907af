using System.Security.Cryptography;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.Models.Tests.Decoding;

/// <summary>The shipped TinyMoE against what its training program computed in double precision (cake target Golden).</summary>
public sealed class GoldenLogitsTests
{
    private const int Vocabulary = 256, Layers = 4, Experts = 8, PerToken = 2, WidestProduct = 192;

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
        _logits = Widen(Floats(golden, "logits"));
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

        float[] logits = TestModels.Run(model, _prompt);

        Tolerance.F32Decoder(Layers, WidestProduct, _logits.Max(Math.Abs)).AssertClose(_logits, logits);
        RmsTolerance.F32Decoder(Layers, WidestProduct, RmsTolerance.Of(_logits)).AssertClose(_logits, logits);
        Assert.Equal(NextByte.Bits(_logits, _prompt), NextByte.Bits(Widen(logits), _prompt), 1e-5);
    }

    // The golden logits were computed from the same bf16 weights, but with activations that are not rounded.
    [Fact]
    public void Forward_WhenWeightsAreBFloat16_GivesTheGoldenLogitsWithinItsOwnBound()
    {
        using MoEModel model = LoadBFloat16();

        float[] logits = TestModels.Run(model, _prompt);

        RmsTolerance.Bf16Decoder(Layers, RmsTolerance.Of(_logits)).AssertClose(_logits, logits);
        // Errors of 0.02 per logit move a position's loss by up to about as much; over 63 positions of either sign that is 0.0035 bits.
        Assert.Equal(NextByte.Bits(_logits, _prompt), NextByte.Bits(Widen(logits), _prompt), 0.005);
    }

    [Fact]
    public void Forward_WhenWeightsAreBFloat16_RoundsWhereTheReferenceDoes()
    {
        using MoEModel model = LoadBFloat16();
        double[] rounded = Reference(model.Config, bf16: true);

        float[] logits = TestModels.Run(model, _prompt);

        double error = RmsTolerance.Of(rounded, logits);
        RmsTolerance.Bf16DecoderRoundedAlike(Layers, RmsTolerance.Of(rounded)).AssertClose(rounded, logits);
        // A decoder that rounds elsewhere, or not at all, is as far from the golden logits as from these.
        Assert.InRange(error / RmsTolerance.Of(_logits, logits), 0, 0.75);
    }

    [Fact]
    public void Reference_WhenNothingIsRounded_GivesTheGoldenLogits()
    {
        using MoEModel model = MoEModel.Load(ModelDirectory);

        Assert.InRange(RmsTolerance.Of(Reference(model.Config, bf16: false), Array.ConvertAll(_logits, v => (float)v)), 0, 1e-6);
    }

    // One token at a time, so that what a router counted in between are that token's experts.
    [Fact]
    public void Forward_WhenStatic_ChoosesTheGoldenExpertsOfEveryToken()
    {
        using MoEModel model = MoEModel.Load(ModelDirectory);
        MoESession session = model.CreateSession(_prompt.Length);
        var before = new long[Layers][];
        int decided = 0;
        for (int t = 0; t < _prompt.Length; t++)
        {
            Array.Copy(Array.ConvertAll([.. model.MoELayers], Routes), before, Layers);
            _ = session.ForwardLast([_prompt[t]], new float[Vocabulary]);
            for (int layer = 0; layer < Layers; layer++)
            {
                long[] after = Routes(model.MoELayers[layer]);
                int[] chosen = [.. Enumerable.Range(0, Experts).Where(e => after[e] > before[layer][e])];
                float[] row = Row(layer, t);
                int[] order = [.. Enumerable.Range(0, Experts).OrderByDescending(e => row[e])];
                Assert.Equal(PerToken, after.Sum() - before[layer].Sum());
                // Float32 logits err by less than a thousandth: a nearer third expert may win.
                if (row[order[PerToken - 1]] - row[order[PerToken]] > 1e-3)
                {
                    Assert.Equal(order[..PerToken].Order(), chosen);
                    decided++;
                }
            }
        }

        Assert.InRange(decided, (Layers * _prompt.Length) - 8, Layers * _prompt.Length);
    }

    private static long[] Routes(MoEBlock block)
    {
        ExpertUsageStats usage = block.Router.GetExpertUsageStats();
        return [.. usage.AvgUsagePerExpert.Select(share => (long)Math.Round(share * usage.TotalRoutes))];
    }

    private static MoEModel LoadBFloat16() => MoEModel.Load(ModelDirectory, new ModelLoadOptions { WeightFormat = WeightFormat.BFloat16 });

    /// <summary>Logits of TestKit's decoder in double precision on the shipped weights.</summary>
    private double[] Reference(ModelConfig config, bool bf16)
    {
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(ModelDirectory, "model.safetensors"));
        Dictionary<string, ReferenceTensor> tensors = file.Tensors.ToDictionary(
            tensor => tensor.Key,
            tensor => new ReferenceTensor(Widen(Floats(file, tensor.Key)), [.. tensor.Value.Shape.Select(d => (int)d)]));
        DecoderSettings settings = FamilySettings.Create(ReferenceFamily.Mixtral) with
        {
            Vocabulary = Vocabulary,
            Hidden = config.HiddenSize,
            Layers = Layers,
            Heads = config.Attention!.QueryHeads,
            KvHeads = config.Attention.KeyValueHeads,
            HeadDim = config.Attention.HeadSize,
            Experts = Experts,
            TrainedExperts = PerToken,
            ExpertWidth = config.Experts.Width,
            NormEpsilon = config.NormEpsilon,
            RopeTheta = config.Attention.RopeTheta,
        };
        return new ReferenceDecoder(settings, tensors, bf16).Run(_prompt).Logits;
    }

    private static double[] Widen(float[] values) => Array.ConvertAll(values, v => (double)v);

    private float[] Row(int layer, int token) => _routerLogits.AsSpan(((layer * _prompt.Length) + token) * Experts, Experts).ToArray();

    private static float[] Floats(SafetensorsFile file, string name)
    {
        var values = new float[file.Tensors[name].ElementCount];
        file.ReadFloat32(file.Tensors[name], values);
        return values;
    }
}
