namespace DynamicMoE.Models;

/// <summary>Compares next-token distributions at sampled positions with those of the checkpoint's own routing: runs the sequence so far again.</summary>
internal sealed class LogitShadow : ShadowWork
{
    /// <summary>Positions beyond are not sampled: a sample costs a pass over all before it.</summary>
    public const int MaxPositions = 1024;

    private const int Slots = 4;
    private const int Free = 0;
    private const int Writing = 1;
    private const int Ready = 2;

    private readonly MoEModel _model;
    private readonly Sample[] _samples;
    private readonly float[] _full;
    private MoESession? _session;

    public LogitShadow(MoEModel model, ShadowGuardrail guardrail)
        : base(guardrail)
    {
        int vocabulary = model.Config.VocabularySize;
        _model = model;
        _samples = [.. Enumerable.Range(0, Slots).Select(_ => new Sample(vocabulary))];
        _full = new float[vocabulary];
        Open();
    }

    /// <summary>Moves of the budget floor so far.</summary>
    public long Generation => Guardrail.Generation;

    protected override bool HasPending => Array.Exists(_samples, sample => Volatile.Read(ref sample.State) == Ready);

    /// <summary>Samples the positions of a pass.</summary>
    /// <param name="history">Every token of the sequence.</param>
    /// <param name="first">Position of the first row of <paramref name="logits"/>.</param>
    /// <param name="logits">Logits behind the positions from <paramref name="first"/> on, <c>[positions, vocabulary]</c>.</param>
    /// <param name="generation"><see cref="Generation"/> before the pass.</param>
    public void Observe(ReadOnlySpan<int> history, int first, ReadOnlySpan<float> logits, long generation)
    {
        bool added = false;
        for (int position = first; position < Math.Min(history.Length, MaxPositions); position++)
        {
            if (!IsClosed && Guardrail.Samples(Key(history, position)))
            {
                bool kept = TryAdd(history[..(position + 1)], logits.Slice((position - first) * _full.Length, _full.Length), generation);
                added |= kept;
                if (!kept)
                {
                    Guardrail.ReportDropped("logits");
                }
            }
        }

        if (added)
        {
            Schedule();
        }
    }

    protected override void Run()
    {
        foreach (Sample sample in _samples)
        {
            if (!IsClosed && Volatile.Read(ref sample.State) == Ready)
            {
                Compare(sample);
                Volatile.Write(ref sample.State, Free);
            }
        }
    }

    // With the position alone every sequence would be looked at in the same places.
    private static long Key(ReadOnlySpan<int> history, int position) =>
        ((long)history[position] << 40) ^ ((long)history[Math.Max(0, position - 1)] << 20) ^ position;

    private bool TryAdd(ReadOnlySpan<int> tokens, ReadOnlySpan<float> logits, long generation)
    {
        foreach (Sample sample in _samples)
        {
            if (Interlocked.CompareExchange(ref sample.State, Writing, Free) == Free)
            {
                tokens.CopyTo(sample.Tokens);
                logits.CopyTo(sample.Logits);
                sample.Count = tokens.Length;
                sample.Generation = generation;
                Volatile.Write(ref sample.State, Ready);
                return true;
            }
        }

        return false;
    }

    private void Compare(Sample sample)
    {
        try
        {
            MoESession session = _session ??= Reference();
            session.Reset();
            _ = session.ForwardLast(sample.Tokens.AsSpan(0, sample.Count), _full);
            Guardrail.ReportDivergence(Divergence(_full, sample.Logits), sample.Generation);
        }
        catch (Exception error)
        {
            Guardrail.ReportFailure("logits", 1, error);
        }
    }

    private MoESession Reference()
    {
        var session = new MoESession(_model, Math.Min(MaxPositions, _model.Config.MaxPositions));
        session.RouteBy(new TrainedRouting(_model.Config.Experts.PerToken));
        return session;
    }

    /// <summary>KL(softmax(full) || softmax(other)) in nats, in double precision.</summary>
    internal static double Divergence(ReadOnlySpan<float> full, ReadOnlySpan<float> other)
    {
        double fullSum = TokenLoss.LogSum(full);
        double otherSum = TokenLoss.LogSum(other);
        double divergence = 0;
        for (int i = 0; i < full.Length; i++)
        {
            double logP = full[i] - fullSum;
            divergence += Math.Exp(logP) * (logP - (other[i] - otherSum));
        }

        return divergence;
    }

    private sealed class Sample(int vocabulary)
    {
        public readonly int[] Tokens = new int[MaxPositions];
        public readonly float[] Logits = new float[vocabulary];
        public int Count;
        public long Generation;
        public int State;
    }
}
