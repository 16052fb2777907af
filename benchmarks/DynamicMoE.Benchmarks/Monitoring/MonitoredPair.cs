using System.Diagnostics;

namespace DynamicMoE.Benchmarks.Monitoring;

/// <summary>One layer three times: over a bare router, over another bare one as a control, and over a monitored one, with the same weights and inputs, called in turn.</summary>
internal sealed class MonitoredPair : IDisposable
{
    private const int Inputs = 64;

    private readonly GateWeights _gate;
    private readonly DynamicRouter _bareRouter;
    private readonly DynamicRouter _controlRouter;
    private readonly DynamicRouter _innerRouter;
    private readonly MonitoredRouter _monitored;
    private readonly ExpertBank _bank;
    private readonly MoELayer _bareLayer;
    private readonly MoELayer _controlLayer;
    private readonly MoELayer _monitoredLayer;
    private readonly float[] _inputs;
    private readonly float[] _output;
    private readonly int _hidden;
    private long _read;

    public MonitoredPair(int hidden, int width, int experts, int perToken, WeightFormat format)
    {
        _hidden = hidden;
        _gate = GateWeights.CreateRandom(new GateOptions { InputDim = hidden, NumExperts = experts, TrainedExperts = perToken }, seed: 1);
        _bank = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = experts, Hidden = hidden, Width = width, Format = format }, seed: 2);
        var options = new DynamicRouterOptions { MinExperts = perToken, ComplexityEstimator = ComplexityEstimators.RouterMargin };
        _bareRouter = new DynamicRouter(_gate, options);
        _controlRouter = new DynamicRouter(_gate, options);
        _innerRouter = new DynamicRouter(_gate, options);
        _monitored = _innerRouter.WithMonitoring(enableCircuitBreaker: true, new MonitoringOptions
        {
            Name = "benchmark",
            AlertThresholds = new AlertThresholds { AvgLatencyMs = 1e6, MemoryUsageMb = 1e6 },
            Webhook = new WebhookOptions { Url = new Uri("http://localhost:1/") },
        });
        _bareLayer = new MoELayer(_bareRouter, _bank);
        _controlLayer = new MoELayer(_controlRouter, _bank);
        _monitoredLayer = new MoELayer(_monitored, _bank);
        _inputs = new float[Inputs * hidden];
        _output = new float[hidden];
        var random = new Random(3);
        for (int i = 0; i < _inputs.Length; i++)
        {
            _inputs[i] = (random.NextSingle() + random.NextSingle() + random.NextSingle() - 1.5f) * 4;
        }
    }

    /// <summary>Medians of single calls that take turns, in seconds.</summary>
    public (double Bare, double Control, double Monitored) Calls(int calls)
    {
        MoELayer[] layers = [_bareLayer, _controlLayer, _monitoredLayer];
        double[][] times = [.. layers.Select(_ => new double[calls])];
        for (int call = 0; call < calls; call++)
        {
            // Each runs every input and comes at every place of the turn: what it finds in the caches evens out.
            for (int turn = 0; turn < layers.Length; turn++)
            {
                int layer = (call + turn) % layers.Length;
                times[layer][call] = Time(layers[layer], (call + (turn * Inputs / 2)) % Inputs);
            }
        }

        return (Median(times[0]), Median(times[1]), Median(times[2]));
    }

    /// <summary>What a call costs more when it is monitored, in seconds: the difference of medians of single calls that take turns, each after a call's worth
    /// of weights went through the caches, so that code and data are as cold as they are behind a call of the whole shape.</summary>
    /// <param name="calls">Calls of each layer.</param>
    /// <param name="weights">As many bytes as a call of the whole shape reads.</param>
    public double ColdCost(int calls, ReadOnlySpan<byte> weights)
    {
        var bare = new double[calls];
        var monitored = new double[calls];
        for (int call = 0; call < calls; call++)
        {
            for (int turn = 0; turn < 2; turn++)
            {
                bool watched = ((call + turn) & 1) == 0;
                _read += weights.IndexOf((byte)1);
                (watched ? monitored : bare)[call] = Time(watched ? _monitoredLayer : _bareLayer, call % Inputs);
            }
        }

        return Median(monitored) - Median(bare);
    }

    /// <summary>Median of what a call costs more when it is monitored, in seconds, from blocks of calls that take turns: everything is in the caches.</summary>
    public double WarmCost(int blocks, int calls)
    {
        var more = new double[blocks];
        for (int block = 0; block < blocks; block++)
        {
            double bare = Block(_bareLayer, calls);
            more[block] = Block(_monitoredLayer, calls) - bare;
        }

        return Median(more);
    }

    /// <summary>Bytes that a monitored call allocates, on its thread.</summary>
    public double Bytes(int calls)
    {
        Block(_monitoredLayer, calls);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Block(_monitoredLayer, calls);
        return (double)(GC.GetAllocatedBytesForCurrentThread() - before) / calls;
    }

    public static double Median(double[] values)
    {
        Array.Sort(values);
        return (values[values.Length / 2] + values[(values.Length - 1) / 2]) / 2;
    }

    public void Dispose()
    {
        _monitoredLayer.Dispose();
        _controlLayer.Dispose();
        _bareLayer.Dispose();
        _monitored.Dispose();
        _innerRouter.Dispose();
        _controlRouter.Dispose();
        _bareRouter.Dispose();
        _bank.Dispose();
        _gate.Dispose();
    }

    private double Time(MoELayer layer, int input)
    {
        ReadOnlySpan<float> row = _inputs.AsSpan(input % Inputs * _hidden, _hidden);
        long start = Stopwatch.GetTimestamp();
        layer.Forward(row, 1, _output);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private double Block(MoELayer layer, int calls)
    {
        long start = Stopwatch.GetTimestamp();
        for (int call = 0; call < calls; call++)
        {
            layer.Forward(_inputs.AsSpan(call % Inputs * _hidden, _hidden), 1, _output);
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds / calls;
    }
}
