using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Memory;

namespace DynamicMoE.Models.Tests.Decoding;

/// <summary>Sequences that share passes get the bits that each gets alone.</summary>
public sealed class ForwardBatchTests
{
    private const int Vocabulary = 64, Sequences = 6, Length = 30;

    public static TheoryData<ReferenceFamily, WeightFormat, int, int> Models => new()
    {
        { ReferenceFamily.Mixtral, WeightFormat.Float32, 512, 0 },
        { ReferenceFamily.Mixtral, WeightFormat.Q4, 7, 2 },
        { ReferenceFamily.Qwen2Moe, WeightFormat.Float32, 7, 3 },
        { ReferenceFamily.Qwen2Moe, WeightFormat.Q4, 512, 1 },
        { ReferenceFamily.Qwen3Moe, WeightFormat.BFloat16, 5, 0 },
        { ReferenceFamily.Olmoe, WeightFormat.Q8, 1, 0 },
    };

    [Theory, MemberData(nameof(Models))]
    public void ForwardBatch_WhenRoutingIsStatic_GivesTheBitsOfEachAlone(ReferenceFamily family, WeightFormat format, int maxTokens, int threads)
    {
        using MoEModel model = TestModels.Load(family, new ModelLoadOptions { WeightFormat = format, MaxTokens = maxTokens, Threads = threads });

        AssertBatchesGiveTheBitsOfEachAlone(model, dials: false);
    }

    [Theory, MemberData(nameof(Models))]
    public void ForwardBatch_WhenThresholdsAreFrozen_GivesTheBitsOfEachAloneAtItsOwnDial(ReferenceFamily family, WeightFormat format, int maxTokens, int threads)
    {
        using MoEModel model = TestModels.Load(family, new ModelLoadOptions { WeightFormat = format, MaxTokens = maxTokens, Threads = threads });
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.5 });
        _ = TestModels.Run(model, TestModels.Tokens(200));
        foreach (MoEBlock block in model.MoELayers)
        {
            block.Router.Frozen = true;
        }

        double[] means = AssertBatchesGiveTheBitsOfEachAlone(model, dials: true);

        // Without a dial, at 0, at 1, at a half; a budget of 1 is the dial at 0.
        Assert.Equal((1, model.Config.Experts.PerToken, 1), (means[1], means[2], means[4]));
        Assert.InRange(means[3], 1.001, means[2] - 0.001);
        Assert.InRange(means[0], 1.001, means[2] - 0.001);
    }

    [Fact]
    public void ForwardBatch_WhenTokensComeInBatches_GivesTheLogitsBehindTheLastOnly()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        MoESession session = model.CreateSession(8);
        float[] logits = [.. Enumerable.Repeat(7f, 2 * Vocabulary)];

        _ = model.ForwardBatch([new SequenceStep(session, new[] { 1, 2, 3 })], logits);

        Assert.Equal(Bits(TestModels.Run(model, [1, 2, 3]).AsSpan(2 * Vocabulary)), Bits(logits.AsSpan(0, Vocabulary)));
        Assert.All(logits[Vocabulary..], value => Assert.Equal(7f, value));
        Assert.Equal(3, session.Position);
    }

    [Fact]
    public void ForwardBatch_WhenSequencesDiffer_ReportsEachByItself()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Qwen2Moe, new ModelLoadOptions { MaxTokens = 4, TimeProvider = new SteppingClock() });
        MoESession one = model.CreateSession(16), other = model.CreateSession(16), oneAlone = model.CreateSession(16), otherAlone = model.CreateSession(16);
        var row = new float[Vocabulary];
        ForwardReport first = oneAlone.ForwardLast([1, 2, 3, 4, 5], row), second = otherAlone.ForwardLast([9], row);
        var reports = new ForwardReport[2];

        ForwardReport batch = model.ForwardBatch(
            [new SequenceStep(one, new[] { 1, 2, 3, 4, 5 }), new SequenceStep(other, new[] { 9 })], new float[2 * Vocabulary], reports);

        Assert.Equal((first with { MoETime = batch.MoETime }, second with { MoETime = batch.MoETime }), (reports[0], reports[1]));
        Assert.True(batch.MoETime > TimeSpan.Zero);
        Assert.Equal((6, 1, first.LayerTokens + second.LayerTokens), (batch.Tokens, batch.Passes, batch.LayerTokens));
        Assert.Equal((first.Routes + second.Routes, first.MoEFlops + second.MoEFlops), (batch.Routes, batch.MoEFlops));
        Assert.InRange(batch.DistinctExperts, Math.Max(first.DistinctExperts, second.DistinctExperts), first.DistinctExperts + second.DistinctExperts);
        Assert.Equal((reports[0], reports[1]), (one.Total, other.Total));
        Assert.Equal(oneAlone.LastRouting.ToArray(), one.LastRouting.ToArray());
        Assert.Equal(oneAlone.LastExpertsPerToken.ToArray(), one.LastExpertsPerToken.ToArray());
        Assert.Equal(1, other.LastExpertsPerToken.Length);
    }

    [Fact]
    public void ForwardBatch_WhenASequenceHasADial_LeavesItsRowsOutOfTheModelsMean()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.5 });
        MoESession budgeted = model.CreateSession(512), full = model.CreateSession(512);
        full.Quality = 1;
        int[] tokens = TestModels.Tokens(512);

        for (int i = 0; i < 512; i += 16)
        {
            _ = model.ForwardBatch([new SequenceStep(full, tokens.AsMemory(i, 16)), new SequenceStep(budgeted, tokens.AsMemory(i, 16))], new float[2 * Vocabulary]);
        }

        Assert.Equal(2, full.Total.MeanExpertsPerToken);
        Assert.InRange(budgeted.Total.MeanExpertsPerToken, 1.4, 1.6);
    }

    [Fact]
    public void ForwardBatch_WhenWarm_AllocatesNothing()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Qwen2Moe, new ModelLoadOptions { Threads = 1, MaxTokens = 8 });
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.5 });
        SequenceStep[] steps = [.. Enumerable.Range(0, 4).Select(i => new SequenceStep(model.CreateSession(512), TestModels.Tokens(i == 0 ? 9 : 1)))];
        steps[1].Session.Quality = 0.5f;
        var logits = new float[4 * Vocabulary];
        var reports = new ForwardReport[4];

        Assert.Equal(0, AllocatedBytes.Least(
            () => model.ForwardBatch(steps, logits, reports), calls: 25, before: () => Array.ForEach(steps, step => step.Session.Reset())));
    }

    [Fact]
    public void ForwardBatch_WhenBatchesRunAtOnceAndUsageIsRead_GivesTheBitsOfEachAlone()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        int[] tokens = TestModels.Tokens(40);
        int[] expected = Bits(TestModels.Run(model, tokens).AsSpan(39 * Vocabulary));
        long before = model.MoELayers[0].Router.GetExpertUsageStats().TotalRoutes;
        var rows = new int[4][];

        Parallel.For(0, 4, i =>
        {
            var logits = new float[2 * Vocabulary];
            MoESession mine = model.CreateSession(40), beside = model.CreateSession(80);
            for (int at = 0; at < 40; at += 4)
            {
                _ = model.ForwardBatch([new SequenceStep(mine, tokens.AsMemory(at, 4)), new SequenceStep(beside, tokens.AsMemory(i, 2))], logits);
                ExpertUsageStats usage = model.MoELayers[0].Router.GetExpertUsageStats();
                Assert.Equal(1, usage.AvgUsagePerExpert.Sum(), 9);
            }

            rows[i] = Bits(logits.AsSpan(0, Vocabulary));
        });

        Assert.All(rows, row => Assert.Equal(expected, row));
        Assert.Equal(4 * 60 * 2, model.MoELayers[0].Router.GetExpertUsageStats().TotalRoutes - before);
    }

    private static double[] AssertBatchesGiveTheBitsOfEachAlone(MoEModel model, bool dials)
    {
        int[][] texts = [.. Enumerable.Range(0, Sequences).Select(s => TestModels.Tokens(Length).Select(t => (t + (13 * s)) % Vocabulary).ToArray())];
        float[][] alone = [.. texts.Select((text, s) =>
        {
            var logits = new float[Length * Vocabulary];
            _ = Session(model, s, dials).Forward(text, logits);
            return logits;
        })];
        MoESession[] sessions = [.. Enumerable.Range(0, Sequences).Select(s => Session(model, s, dials))];
        var random = new Random(17);
        while (Array.Exists(sessions, session => session.Position < Length))
        {
            int[] chosen = [.. Enumerable.Range(0, Sequences).Where(s => sessions[s].Position < Length)];
            random.Shuffle(chosen);
            chosen = chosen[..random.Next(1, chosen.Length + 1)];
            SequenceStep[] steps = [.. chosen.Select(s => new SequenceStep(
                sessions[s], texts[s].AsMemory(sessions[s].Position, Math.Min(random.Next(2) == 0 ? 1 : random.Next(2, 12), Length - sessions[s].Position))))];
            var logits = new float[steps.Length * Vocabulary];

            _ = model.ForwardBatch(steps, logits);

            for (int i = 0; i < steps.Length; i++)
            {
                int last = sessions[chosen[i]].Position - 1;
                Assert.Equal(Bits(alone[chosen[i]].AsSpan(last * Vocabulary, Vocabulary)), Bits(logits.AsSpan(i * Vocabulary, Vocabulary)));
            }
        }

        return [.. sessions.Select(session => session.Total.MeanExpertsPerToken)];
    }

    private static MoESession Session(MoEModel model, int sequence, bool dials)
    {
        MoESession session = model.CreateSession(Length);
        if (dials)
        {
            session.Quality = sequence switch { 1 => 0, 2 => 1, 3 => 0.5f, _ => null };
            if (sequence == 4)
            {
                session.ExpertsBudget = 1;
            }
        }

        return session;
    }

    private static int[] Bits(ReadOnlySpan<float> values) => System.Runtime.InteropServices.MemoryMarshal.Cast<float, int>(values).ToArray();

    private sealed class SteppingClock : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => _ticks++;
    }
}
