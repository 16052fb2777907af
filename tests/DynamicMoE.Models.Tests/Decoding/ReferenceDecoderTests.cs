using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.Models.Tests.Decoding;

/// <summary>The decoder against TestKit's independent one in double precision.</summary>
public sealed class ReferenceDecoderTests
{
    public static TheoryData<ReferenceFamily, ElementType> Checkpoints
    {
        get
        {
            var data = new TheoryData<ReferenceFamily, ElementType>();
            foreach (ReferenceFamily family in FamilySettings.All)
            {
                data.Add(family, ElementType.F32);
                data.Add(family, ElementType.F16);
                data.Add(family, ElementType.Bf16);
            }

            return data;
        }
    }

    public static TheoryData<string> Variants => ["tied", "window", "one head", "all normalised", "sparse step", "frequency", "no shared", "dense only"];

    [Theory, MemberData(nameof(Checkpoints))]
    public void Forward_WhenWeightsAreFloat32_MatchesDoublePrecision(ReferenceFamily family, ElementType type) =>
        AssertMatches(SyntheticCheckpoint.Create(family, type, seed: 11), shards: 2);

    [Theory, MemberData(nameof(Variants))]
    public void Forward_WhenSettingsVary_MatchesDoublePrecision(string variant) => AssertMatches(SyntheticCheckpoint.Create(Settings(variant), seed: 12));

    public static TheoryData<InstructionSet> Levels => [.. RuntimeInfo.Query().SupportedIsas];

    [Theory, MemberData(nameof(Levels))]
    public void Forward_WhenInstructionSetIsChosen_MatchesDoublePrecision(InstructionSet isa) =>
        AssertMatches(SyntheticCheckpoint.Create(ReferenceFamily.Qwen2Moe, seed: 14), isa: isa);

    [Theory]
    [InlineData(ReferenceFamily.Mixtral)]
    [InlineData(ReferenceFamily.Olmoe)]
    public void Forward_WhenWeightsAreBFloat16_StaysWithinItsBound(ReferenceFamily family)
    {
        // Every expert is used, so that rounding cannot change a choice.
        DecoderSettings settings = FamilySettings.Create(family);
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(settings with { TrainedExperts = settings.Experts }, ElementType.Bf16, seed: 13);
        double[] expected = checkpoint.Decoder.Run(TestModels.Tokens()).Logits;
        using MoEModel model = TestModels.Load(checkpoint, new ModelLoadOptions { WeightFormat = WeightFormat.BFloat16 });

        float[] logits = TestModels.Run(model, TestModels.Tokens());

        Tolerance.Bf16Decoder(settings.Layers, expected.Max(Math.Abs)).AssertClose(expected, logits);
        RmsTolerance.Bf16Decoder(settings.Layers, RmsTolerance.Of(expected)).AssertClose(expected, logits);
    }

    private static void AssertMatches(SyntheticCheckpoint checkpoint, int shards = 1, InstructionSet isa = InstructionSet.Auto)
    {
        int[] tokens = TestModels.Tokens();
        DecoderSettings s = checkpoint.Settings;
        DecoderTrace expected = checkpoint.Decoder.Run(tokens);
        using MoEModel model = TestModels.Load(checkpoint, new ModelLoadOptions { Isa = isa }, shards);
        var session = model.CreateSession(tokens.Length);
        var logits = new float[tokens.Length * s.Vocabulary];

        ForwardReport report = session.Forward(tokens, logits);

        int width = new[] { s.Hidden, s.Heads * s.HeadDim, s.ExpertWidth, s.DenseWidth, s.SharedWidth }.Max();
        Tolerance.F32Decoder(s.Layers, width, expected.Logits.Max(Math.Abs)).AssertClose(expected.Logits, logits);
        Assert.Equal(expected.Routes.Sum(r => r?.Routes ?? 0), report.Routes);
        Assert.Equal(expected.Routes.Sum(r => r?.DistinctExperts ?? 0), report.DistinctExperts);
        int index = 0;
        foreach (var routes in expected.Routes.Select((r, layer) => (Routes: r, Layer: layer)).Where(r => r.Routes is not null))
        {
            LayerRouting own = session.LastRouting[index++];
            Assert.Equal(routes.Layer, own.Layer);
            Assert.Equal(routes.Routes!.MaxExpertRoutes, own.Report.MaxExpertRoutes);
            Assert.Equal(routes.Routes.DistinctExperts, own.Report.DistinctExperts);
        }
    }

    private static DecoderSettings Settings(string variant) => variant switch
    {
        "tied" => FamilySettings.Create(ReferenceFamily.Qwen3Moe) with { TieEmbeddings = true },
        "window" => FamilySettings.Create(ReferenceFamily.Mixtral) with { Window = 5 },
        "one head" => FamilySettings.Create(ReferenceFamily.Mixtral) with { Heads = 1, KvHeads = 1, HeadDim = 32 },
        "all normalised" => FamilySettings.Create(ReferenceFamily.Qwen2Moe) with { NormalizeTopK = true, MlpOnlyLayers = [] },
        "sparse step" => FamilySettings.Create(ReferenceFamily.Qwen2Moe) with { Layers = 4, SparseStep = 2, MlpOnlyLayers = [3] },
        "frequency" => FamilySettings.Create(ReferenceFamily.DeepSeekMoe) with { Layers = 5, FirstDenseLayers = 1, MoELayerFrequency = 2, NormalizeTopK = true },
        "no shared" => FamilySettings.Create(ReferenceFamily.DeepSeekMoe) with { SharedWidth = 0 },
        _ => FamilySettings.Create(ReferenceFamily.Qwen3Moe) with { MlpOnlyLayers = [0, 1, 2] },
    };
}
