using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Decoding;

/// <summary>What a batch refuses, and what is left of a batch that fails.</summary>
public sealed class ForwardBatchRefusalTests : IDisposable
{
    private const int Vocabulary = 64;

    private readonly MoEModel _model = TestModels.Load(ReferenceFamily.Mixtral);

    [Theory]
    [InlineData(new int[0], "steps[1].Tokens has 0 ids, between 1 and 4 are possible: position 4 of 8")]
    [InlineData(new[] { 1, 2, 3, 4, 5 }, "steps[1].Tokens has 5 ids, between 1 and 4 are possible: position 4 of 8")]
    [InlineData(new[] { 1, 64 }, "steps[1].Tokens[1] is 64, between 0 and 63 is needed")]
    [InlineData(new[] { -1 }, "steps[1].Tokens[0] is -1, between 0 and 63 is needed")]
    public void ForwardBatch_WhenTokensAreWrong_NamesStepAndValueAndChangesNothing(int[] tokens, string problem)
    {
        MoESession good = _model.CreateSession(8), bad = _model.CreateSession(8);
        _ = bad.ForwardLast([1, 2, 3, 4], new float[Vocabulary]);
        ForwardReport total = bad.Total;

        AssertRefused(problem, new SequenceStep(good, new[] { 1 }), new SequenceStep(bad, tokens));

        Assert.Equal((0, 4, total, 4), (good.Position, bad.Position, bad.Total, bad.LastExpertsPerToken.Length));
        _ = _model.ForwardBatch([new SequenceStep(good, new[] { 1 }), new SequenceStep(bad, new[] { 1 })], new float[2 * Vocabulary]);
    }

    [Fact]
    public void ForwardBatch_WhenSessionsAreWrong_NamesTheStep()
    {
        using MoEModel other = TestModels.Load(ReferenceFamily.Mixtral);
        MoESession one = _model.CreateSession(8), foreign = other.CreateSession(8), recorded = _model.CreateSession(8);
        int[] token = [1];
        using var record = new MemoryStream();
        using var writer = new RoutingRecordWriter(record, _model.DescribeRun());
        recorded.RecordTo(writer);

        AssertRefused("steps[1] has a session of another model", new SequenceStep(one, token), new SequenceStep(foreign, token));
        AssertRefused(
            "steps[2] has the session of steps[0]",
            new SequenceStep(one, token), new SequenceStep(_model.CreateSession(8), token), new SequenceStep(one, token));
        AssertRefused("steps[0] has a session that records or replays", new SequenceStep(recorded, token));
        Assert.True(one.TryEnter());
        AssertRefused("steps[0] has a session that is in another pass", new SequenceStep(one, token));
        Assert.Throws<RoutingValidationException>(() => one.ForwardLast(token, new float[Vocabulary]));
        one.Exit();

        var e = Assert.Throws<ArgumentNullException>(() => _model.ForwardBatch([new SequenceStep(one, token), default], new float[2 * Vocabulary]));
        Assert.Equal("steps[1].Session", e.ParamName);
        Assert.Equal(0, one.Position);
        _ = one.ForwardLast(token, new float[Vocabulary]);
    }

    [Fact]
    public void ForwardBatch_WhenSpansAreWrong_NamesBothLengths()
    {
        MoESession one = _model.CreateSession(8), two = _model.CreateSession(8);

        string Refused(int logits, int reports) => Assert.Throws<RoutingValidationException>(() => _model.ForwardBatch(
            [new SequenceStep(one, new[] { 1 }), new SequenceStep(two, new[] { 1 })], new float[logits], new ForwardReport[reports])).Message;

        Assert.Contains("logits has 127 elements, at least 128 are needed", Refused(127, 0), StringComparison.Ordinal);
        Assert.Contains("reports has 1 elements, 0 or at least 2 are needed", Refused(128, 1), StringComparison.Ordinal);
        Assert.Contains("steps is empty", Assert.Throws<RoutingValidationException>(() => _model.ForwardBatch([], [])).Message, StringComparison.Ordinal);
        Assert.Equal((0, 0), (one.Position, two.Position));
    }

    [Fact]
    public void ForwardBatch_WhenModelIsDisposed_IsRefused()
    {
        MoESession session = _model.CreateSession(8);
        _model.Dispose();

        Assert.Throws<ObjectDisposedException>(() => _model.ForwardBatch([new SequenceStep(session, new[] { 1 })], new float[Vocabulary]));
    }

    [Theory]
    [InlineData(512)]
    [InlineData(2)]
    public void ForwardBatch_WhenOneSequenceOverflows_NamesItAndTheOthersGoOn(int maxTokens)
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.Qwen2Moe);
        int hidden = checkpoint.Settings.Hidden;
        Array.Fill(checkpoint.Tensors[TensorNames.Embedding].Data, 1e30, 5 * hidden, hidden);
        using MoEModel model = TestModels.Load(checkpoint, new ModelLoadOptions { MaxTokens = maxTokens });
        MoESession[] sessions = [model.CreateSession(16), model.CreateSession(16), model.CreateSession(16)];
        var logits = new float[3 * Vocabulary];
        SequenceStep[] steps = [.. sessions.Select(session => new SequenceStep(session, new[] { 1, 2, 3 }))];
        _ = model.ForwardBatch(steps, logits);
        ForwardReport[] totals = [.. sessions.Select(session => session.Total)];
        steps[1] = new SequenceStep(sessions[1], new[] { 4, 5 });

        var e = Assert.Throws<SequenceStepException>(() => model.ForwardBatch(steps, logits));

        Assert.Equal(1, e.Step);
        Assert.Contains("steps[1]: layer 0, attention: the values at position 4 ", e.Message, StringComparison.Ordinal);
        Assert.IsType<ExpertDispatchException>(e.InnerException);
        Assert.All(sessions, session => Assert.Equal((3, 0), (session.Position, session.LastExpertsPerToken.Length)));
        Assert.Equal(totals, sessions.Select(session => session.Total));
        _ = model.ForwardBatch([steps[0], steps[2]], logits);
        var alone = new float[6 * Vocabulary];
        _ = model.CreateSession(6).Forward([1, 2, 3, 1, 2, 3], alone);
        Assert.Equal(alone.AsSpan(5 * Vocabulary).ToArray(), logits.AsSpan(0, Vocabulary).ToArray());
        Assert.Equal(alone.AsSpan(5 * Vocabulary).ToArray(), logits.AsSpan(Vocabulary, Vocabulary).ToArray());
    }

    [Fact]
    public void ForwardBatch_WhenAnExpertFailsOnOneSequence_NamesIt()
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.Mixtral);
        foreach (string name in checkpoint.Tensors.Keys.Where(n => n.Contains("experts", StringComparison.Ordinal)).ToArray())
        {
            ReferenceTensor tensor = checkpoint.Tensors[name];
            checkpoint.Tensors[name] = new ReferenceTensor(Array.ConvertAll(tensor.Data, v => v * 1e25), tensor.Shape);
        }

        using MoEModel model = TestModels.Load(checkpoint);
        MoESession one = model.CreateSession(8), two = model.CreateSession(8);

        var e = Assert.Throws<SequenceStepException>(() => model.ForwardBatch(
            [new SequenceStep(one, new[] { 1, 2 }), new SequenceStep(two, new[] { 3 })], new float[2 * Vocabulary]));

        Assert.Equal(0, e.Step);
        Assert.NotNull(Assert.IsType<ExpertDispatchException>(e.InnerException).Token);
        Assert.Equal((0, 0), (one.Position, two.Position));
    }

    public void Dispose() => _model.Dispose();

    private void AssertRefused(string problem, params SequenceStep[] steps)
    {
        float[] logits = [.. Enumerable.Repeat(7f, steps.Length * Vocabulary)];

        var e = Assert.Throws<RoutingValidationException>(() => _model.ForwardBatch(steps, logits));

        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
        Assert.All(logits, value => Assert.Equal(7f, value));
    }
}
