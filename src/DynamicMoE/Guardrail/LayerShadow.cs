namespace DynamicMoE;

/// <summary>One layer under a guardrail: samples rows on the hot path, and compares them with the full run on a worker.</summary>
internal sealed class LayerShadow : ShadowWork
{
    private readonly BudgetArbiter? _arbiter;
    private readonly FloorControl.Source _source;
    private readonly FullRun _full;
    private readonly ShadowQueue _queue;
    private readonly TokenSampler _sampler;
    private readonly int _width;
    private readonly float[] _hidden;
    private readonly float[] _output;
    private readonly float[] _reference;
    private readonly long[] _generations;
    private readonly RoutingBuffers _routing;
    private long _seen;

    private LayerShadow(ShadowGuardrail guardrail, string name, DynamicRouter router, FullRun full)
        : base(guardrail)
    {
        GuardrailOptions options = guardrail.Options;
        int rows = options.QueueCapacity;
        _arbiter = router.Arbiter;
        _source = guardrail.Attach(name, _arbiter);
        _full = full;
        _width = router.InputDim;
        _queue = new ShadowQueue(rows, _width);
        _sampler = new TokenSampler(options.SampleRate, options.Seed);
        _hidden = new float[rows * _width];
        _output = new float[rows * _width];
        _reference = new float[rows * _width];
        _generations = new long[rows];
        _routing = new RoutingBuffers(rows, router.TrainedExperts, router.NumExperts, withLogits: false);
        Open();
    }

    /// <summary>Floor changes so far.</summary>
    internal long Generation => Guardrail.Generation;

    /// <summary>Samples a batch that was run. Allocates nothing.</summary>
    /// <param name="hidden">What went into router and experts, <c>[tokens, width]</c>.</param>
    /// <param name="tokens">Rows.</param>
    /// <param name="output">What came out, <c>[tokens, width]</c>.</param>
    /// <param name="context">The call's context: tokens that chose their experts or their number themselves are not sampled.</param>
    /// <param name="generation"><see cref="Generation"/> before the batch was routed.</param>
    internal void Observe(ReadOnlySpan<float> hidden, int tokens, ReadOnlySpan<float> output, RoutingContext? context, long generation)
    {
        if (IsClosed || context is not null
            && !(context.ExpertMask.IsEmpty && context.ExpertCounts.IsEmpty && context.TokenTaus.IsEmpty))
        {
            return;
        }

        ReadOnlySpan<long> positions = context is null ? default : context.Positions.Span;

        // Without positions rows are counted on: a decoder's single tokens would all be position 0.
        long first = positions.IsEmpty ? Interlocked.Add(ref _seen, tokens) - tokens : 0;
        bool added = false;
        for (int token = 0; token < tokens; token++)
        {
            if (_sampler.Takes(positions.IsEmpty ? first + token : positions[token]) && FollowsTheBudget(context, token, tokens))
            {
                int at = token * _width;
                bool kept = _queue.TryAdd(hidden.Slice(at, _width), output.Slice(at, _width), generation);
                added |= kept;
                if (!kept)
                {
                    Guardrail.ReportDropped(_source.Name);
                }
            }
        }

        if (added)
        {
            Schedule();
        }
    }

    /// <summary>Puts a layer under the guardrail of its options.</summary>
    /// <param name="options">The layer's options, with a guardrail.</param>
    /// <param name="router">Its router.</param>
    /// <param name="bank">Its native experts; null when they are managed.</param>
    /// <param name="pipeline">Its pipeline; a <see cref="ManagedPipeline"/> when they are.</param>
    internal static LayerShadow Of(MoELayerOptions options, DynamicRouter router, ExpertBank? bank, LayerPipeline pipeline)
    {
        ShadowGuardrail guardrail = options.Guardrail!;
        FullRun full = bank is null
            ? new ManagedFullRun(router, (ManagedPipeline)pipeline)
            : new NativeFullRun(router, bank, options, guardrail.Options.QueueCapacity);
        return new LayerShadow(guardrail, options.GuardrailName ?? "", router, full);
    }

    protected override bool HasPending => _queue.HasReady;

    // Failures are counted and logged: a shadow must not disturb what it watches.
    protected override void Run()
    {
        for (int taken = Take(); taken > 0 && !IsClosed; taken = Take())
        {
            try
            {
                int elements = taken * _width;
                _full.Run(_hidden.AsSpan(0, elements), taken, _reference.AsSpan(0, elements), _routing);
                Compare(taken);
            }
            catch (Exception error)
            {
                Guardrail.ReportFailure(_source.Name, taken, error);
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !IsClosed)
        {
            base.Dispose(disposing);
            Guardrail.Detach(_source, _arbiter);
            _full.Dispose();
        }
    }

    // A token with a dial of its own chose its quality; NaN is none. Dials come per token or per sequence of equal length.
    private static bool FollowsTheBudget(RoutingContext? context, int token, int tokens) =>
        context is null || context.Quality.IsEmpty
        || float.IsNaN(context.Quality.Span[(int)((long)token * context.Quality.Length / tokens)]);

    private int Take() => _queue.TakeAll(_hidden, _output, _generations);

    private void Compare(int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            double drift = Drift(_output.AsSpan(row * _width, _width), _reference.AsSpan(row * _width, _width));
            Guardrail.Report(_source, drift, _generations[row]);
        }
    }

    /// <summary>|y - full| / |full|; against a reference of zeros 0 or 1.</summary>
    internal static double Drift(ReadOnlySpan<float> output, ReadOnlySpan<float> full)
    {
        double norm = 0;
        double distance = 0;
        for (int i = 0; i < full.Length; i++)
        {
            // Squares of finite values beyond 1.8e19 are not finite in single precision.
            double value = full[i], difference = output[i] - value;
            norm += value * value;
            distance += difference * difference;
        }

        return norm > 0 ? Math.Sqrt(distance / norm) : distance > 0 ? 1 : 0;
    }
}
