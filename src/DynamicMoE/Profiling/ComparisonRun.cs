using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace DynamicMoE;

/// <summary>One comparison: warm-up, turns, outputs, results.</summary>
internal sealed class ComparisonRun
{
    private readonly FlopProfilerOptions _options;
    private readonly Contestant[] _contestants;
    private readonly IReadOnlyList<Tensor<float>> _data;

    /// <exception cref="ArgumentNullException">A batch is null.</exception>
    /// <exception cref="ProfilingException">There is no batch.</exception>
    /// <exception cref="RoutingValidationException">A batch does not fit the layers.</exception>
    internal ComparisonRun(
        FlopProfilerOptions options, IReadOnlyList<(string Name, CountedLayer Layer)> candidates, IReadOnlyList<Tensor<float>> data)
    {
        if (data.Count == 0)
        {
            throw new ProfilingException("A comparison needs at least one batch of test data.");
        }

        int most = 0, dim = candidates[0].Layer.Router.InputDim;
        foreach (Tensor<float> batch in data)
        {
            ArgumentNullException.ThrowIfNull(batch, nameof(data));
            _ = Rows(batch, dim, out int tokens);
            most = Math.Max(most, tokens);
        }

        _options = options;
        _data = data;
        _contestants = [.. candidates.Select(candidate => new Contestant(candidate.Name, candidate.Layer, most, options.Repetitions))];
    }

    internal IReadOnlyList<StrategyComparison> Run(string scope, CancellationToken cancel)
    {
        for (int pass = -_options.WarmupRuns; pass < _options.Repetitions; pass++)
        {
            for (int i = 0; i < _contestants.Length; i++)
            {
                cancel.ThrowIfCancellationRequested();
                Pass(_contestants[pass % 2 == 0 ? i : _contestants.Length - 1 - i], pass);
            }
        }

        CompareOutputs(cancel);
        long tokens = _data.Sum(batch => (long)batch.FlattenedLength) / _contestants[0].Layer.Router.InputDim;
        return [.. _contestants.Select(contestant => Result(scope, contestant, tokens))];
    }

    private void Pass(Contestant contestant, int pass)
    {
        TimeProvider clock = _options.TimeProvider;
        double seconds = 0;
        foreach (Tensor<float> batch in _data)
        {
            ReadOnlySpan<float> rows = Rows(batch, contestant.Layer.Router.InputDim, out int tokens);
            long begin = clock.GetTimestamp();
            RoutingReport report = contestant.Forward(rows, tokens);
            seconds += clock.Seconds(begin, clock.GetTimestamp());
            if (pass >= 0)
            {
                contestant.Count(tokens, report);
            }
        }

        if (pass >= 0)
        {
            contestant.Seconds[pass] = seconds;
        }
    }

    private void CompareOutputs(CancellationToken cancel)
    {
        foreach (Tensor<float> batch in _data)
        {
            ReadOnlySpan<float> rows = Rows(batch, _contestants[0].Layer.Router.InputDim, out int tokens);
            foreach (Contestant contestant in _contestants)
            {
                cancel.ThrowIfCancellationRequested();
                _ = contestant.Forward(rows, tokens);
                contestant.Difference.Add(contestant.Output(tokens), _contestants[0].Output(tokens));
            }
        }
    }

    private StrategyComparison Result(string scope, Contestant contestant, long tokens)
    {
        Contestant first = _contestants[0];
        ProfileTiming timing = ProfileTiming.Of(contestant.Seconds);
        var ratios = new Sample([.. contestant.Seconds.Zip(first.Seconds, (own, other) => own / other)]);
        Interval? interval = ratios.IntervalOf(0.5);
        CostSum cost = contestant.Cost.Mean(_options.Repetitions), base1 = first.Cost.Mean(_options.Repetitions);
        return new StrategyComparison
        {
            Scope = scope,
            Name = contestant.Name,
            Tokens = tokens,
            Batches = _data.Count,
            MeanExpertsPerToken = cost.Routes / tokens,
            MeanDistinctExperts = cost.Distinct / _data.Count,
            LoadBalanceScore = ExpertUsageStats.From(1, contestant.Usage).LoadBalanceScore,
            ProductFlops = cost.Products,
            OtherFlops = cost.Other,
            FlopsSaving = 1 - (cost.Products / base1.Products),
            WeightBytes = cost.Bytes,
            BytesSaving = 1 - (cost.Bytes / base1.Bytes),
            Timing = timing,
            TimeRatio = ratios.Median,
            TimeRatioLow = interval?.Low,
            TimeRatioHigh = interval?.High,
            OutputDifference = contestant.Difference.Relative,
            Limit = _options.Limits is { } limits ? contestant.Limit(limits, _options, timing.MedianSeconds) : null,
        };
    }

    private static ReadOnlySpan<float> Rows(Tensor<float> batch, int dim, out int tokens)
    {
        ReadOnlyTensorSpan<float> view = batch.AsReadOnlyTensorSpan();
        ReadOnlySpan<float> rows = Shapes.Rows(in view, dim, "testData", out tokens);

        // The memory is the tensor's own, not the view's.
        return MemoryMarshal.CreateReadOnlySpan(in MemoryMarshal.GetReference(rows), rows.Length);
    }

    /// <summary>One candidate and what it did.</summary>
    private sealed class Contestant(string name, CountedLayer layer, int mostTokens, int repetitions)
    {
        private readonly RoutingBuffers _plan = RoutingBuffers.For(layer.Layer.Router, mostTokens, withLogits: false);
        private readonly float[] _output = new float[mostTokens * layer.Router.InputDim];
        private readonly LimitedWork _work = new();

        internal string Name => name;

        internal CountedLayer Layer => layer;

        internal double[] Seconds { get; } = new double[repetitions];

        internal long[] Usage { get; } = new long[layer.Router.NumExperts];

        internal CostSum Cost { get; private set; }

        internal OutputDifference Difference { get; } = new();

        internal ReadOnlySpan<float> Output(int tokens) => _output.AsSpan(0, tokens * layer.Router.InputDim);

        internal RoutingReport Forward(ReadOnlySpan<float> rows, int tokens) => layer.Layer.Forward(rows, tokens, _output.AsSpan(0, rows.Length), _plan);

        internal void Count(int tokens, RoutingReport report)
        {
            List<ComponentCost> costs = LayerCosts.Layer(layer, tokens, report, _plan, null);
            Cost = Cost.Plus(report, costs);
            _work.Add(costs);
            TensorPrimitives.Add(Usage, _plan.ExpertRoutes, Usage);
        }

        internal LimitShare Limit(MachineLimits limits, FlopProfilerOptions options, double seconds) =>
            LimitShare.Of(limits, _work, options.FitsCache(layer.KeptBytes), seconds * Seconds.Length);
    }
}
