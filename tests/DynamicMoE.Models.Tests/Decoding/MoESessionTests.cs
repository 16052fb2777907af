using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Memory;

namespace DynamicMoE.Models.Tests.Decoding;

public sealed class MoESessionTests
{
    private const int Vocabulary = 64;

    [Theory]
    [InlineData(new int[0], 0, "0 ids")]
    [InlineData(new[] { 64 }, Vocabulary, "tokens[0] is 64")]
    [InlineData(new[] { 1, -1 }, 2 * Vocabulary, "tokens[1] is -1")]
    [InlineData(new[] { 1, 2 }, Vocabulary, "128 are needed")]
    [InlineData(new[] { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, 9 * Vocabulary, "between 1 and 8")]
    public void Forward_WhenInputIsWrong_NamesTheValueAndChangesNothing(int[] tokens, int logits, string problem)
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        MoESession session = model.CreateSession(8);
        float[] output = [.. Enumerable.Repeat(7f, logits)];

        var e = Assert.Throws<RoutingValidationException>(() => session.Forward(tokens, output));

        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
        Assert.All(output, value => Assert.Equal(7f, value));
        Assert.Equal(0, session.Position);
    }

    [Fact]
    public void Forward_WhenSequenceIsFull_IsRefusedUntilReset()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        MoESession session = model.CreateSession(2);
        var logits = new float[2 * Vocabulary];
        _ = session.Forward([1, 2], logits);
        float[] first = [.. logits];

        Assert.Throws<RoutingValidationException>(() => session.ForwardLast([3], new float[Vocabulary]));
        session.Reset();
        _ = session.Forward([1, 2], logits);

        Assert.Equal(first, logits);
        Assert.Equal(2, session.Total.Tokens);
    }

    [Fact]
    public void Forward_WhenModelIsDisposed_IsRefused()
    {
        MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        MoESession session = model.CreateSession(8);
        model.Dispose();
        model.Dispose();

        Assert.Throws<ObjectDisposedException>(() => session.Forward([1], new float[Vocabulary]));
        Assert.Throws<ObjectDisposedException>(() => model.CreateSession());
        Assert.Throws<ObjectDisposedException>(() => model.PatchDynamicRouting());
        Assert.Throws<ObjectDisposedException>(model.UnpatchDynamicRouting);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(513)]
    public void CreateSession_WhenPositionsAreOutOfRange_IsRefused(int positions)
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);

        Assert.Throws<ArgumentOutOfRangeException>(() => model.CreateSession(positions));
    }

    [Fact]
    public void CreateSession_WhenPositionsAreNotGiven_TakesTheModelsLimit()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);

        Assert.Equal(512, model.CreateSession().MaxPositions);
    }

    // 24 tokens, 3 layers, 2 of 8 experts, hidden 32, width 20: the formula by hand.
    [Fact]
    public void Forward_WhenStatic_ReportsRoutesFlopsAndTime()
    {
        var clock = new SteppingClock();
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral, new ModelLoadOptions { TimeProvider = clock, MaxTokens = 10 });
        MoESession session = model.CreateSession(64);
        var logits = new float[24 * Vocabulary];

        ForwardReport report = session.Forward(TestModels.Tokens(), logits);
        _ = session.ForwardLast([1, 2], logits.AsSpan(0, Vocabulary));

        Assert.Equal(24, report.Tokens);
        Assert.Equal(24 * 3 * 2, report.Routes);
        Assert.Equal(2, report.MeanExpertsPerToken);
        Assert.Equal((24 * 3 * 2.0 * 32 * 8) + (24 * 3 * 2 * 3 * 2.0 * 32 * 20), report.MoEFlops);
        Assert.InRange(report.MeanDistinctExperts, 2, 8);
        // Three layers in three chunks each, one second of the clock apiece.
        Assert.Equal(TimeSpan.FromSeconds(9), report.MoETime);
        Assert.Equal(26, session.Total.Tokens);
        Assert.Equal(2, session.Total.Passes);
        Assert.Equal(2 * 3, session.Total.LayerPasses);
        Assert.Equal(TimeSpan.FromSeconds(12), session.Total.MoETime);
    }

    [Fact]
    public void Forward_WhenSharedExpertsAndDenseLayersExist_CountsTheirFlops()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Qwen2Moe);
        DecoderSettings s = FamilySettings.Create(ReferenceFamily.Qwen2Moe);

        ForwardReport report = model.CreateSession(4).ForwardLast([1, 2, 3], new float[Vocabulary]);

        double gate = 2.0 * s.Hidden * s.Experts, shared = (6.0 * s.Hidden * s.SharedWidth) + (2.0 * s.Hidden);
        Assert.Equal(2 * 3 * (gate + shared + (s.TrainedExperts * 6.0 * s.Hidden * s.ExpertWidth)), report.MoEFlops);
        Assert.Equal(2, report.LayerPasses);
    }

    [Fact]
    public void Forward_WhenWarm_AllocatesNothing()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Qwen2Moe, new ModelLoadOptions { Threads = 1 });
        MoESession session = model.CreateSession(480);
        var logits = new float[4 * Vocabulary];
        int[] tokens = [1, 2, 3, 4];

        // Every round at positions that no round has seen: room for keys and values must not come with them.
        Assert.Equal(0, AllocatedBytes.Least(() => session.Forward(tokens, logits), calls: 20));
    }

    [Fact]
    public void Forward_WhenFiniteWeightsOverflow_ThrowsAndKeepsThePosition()
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.Mixtral);
        foreach (string name in checkpoint.Tensors.Keys.Where(n => n.Contains("experts", StringComparison.Ordinal)).ToArray())
        {
            ReferenceTensor tensor = checkpoint.Tensors[name];
            checkpoint.Tensors[name] = new ReferenceTensor(Array.ConvertAll(tensor.Data, v => v * 1e25), tensor.Shape);
        }

        using MoEModel model = TestModels.Load(checkpoint);
        MoESession session = model.CreateSession(8);

        Assert.Throws<ExpertDispatchException>(() => session.Forward([1, 2], new float[2 * Vocabulary]));

        Assert.Equal(0, session.Position);
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(65537, 0, 0)]
    [InlineData(1, -1, 0)]
    [InlineData(1, 1025, 0)]
    [InlineData(1, 0, 99)]
    public void Load_WhenOptionIsOutOfRange_NamesIt(int maxTokens, int threads, int format)
    {
        var options = new ModelLoadOptions { MaxTokens = maxTokens, Threads = threads, WeightFormat = (WeightFormat)format };

        Assert.Throws<RouterConfigurationException>(() => TestModels.Load(ReferenceFamily.Mixtral, options));
    }

    [Fact]
    public void Load_WhenGivenStreams_RunsLikeTheDirectory()
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.Mixtral);
        using var directory = new TemporaryDirectory();
        checkpoint.Save(directory.Path);
        using var config = new MemoryStream(File.ReadAllBytes(directory["config.json"]));
        using var weights = new MemoryStream(File.ReadAllBytes(directory["model.safetensors"]));
        using MoEModel fromFiles = MoEModel.Load(directory.Path);

        using MoEModel model = MoEModel.Load(config, weights);

        Assert.Equal(TestModels.Run(fromFiles, TestModels.Tokens()), TestModels.Run(model, TestModels.Tokens()));
        Assert.True(config.CanRead && weights.CanRead);
        Assert.Null(model.Tokenizer);
    }

    private sealed class SteppingClock : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => _ticks++;
    }
}
