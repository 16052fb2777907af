using System.Diagnostics;

namespace DynamicMoE.Benchmarks.Monitoring;

/// <summary>One layer twice: over a bare router and over a monitored one, with the same weights and inputs, called in turn.</summary>
internal sealed class MonitoredPair : IDisposable
{
    private const int Inputs = 64;

    private readonly GateWeights _gate;
    private readonly DynamicRouter _bareRouter;
    private readonly DynamicRouter _innerRouter;
    private readonly MonitoredRouter _monitored;
    private readonly ExpertBank _bank;
    private readonly MoELayer _bareLayer;
    private readonly MoELayer _monitoredLayer;
    private readonly float[] _inputs;
    private readonly float[] _output;
    private readonly int _hidden;

    public MonitoredPair(int hidden, int width, int experts, int perToken, WeightFormat format)
    {
        _hidden = hidden;
        _gate = GateWeights.CreateRandom(new GateOptions { InputDim = hidden, NumExperts = experts, TrainedExperts = perToken }, seed: 1);
        _bank = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = experts, Hidden = hidden, Width = width, Format = format }, seed: 2);
        var options = new DynamicRouterOptions { MinExperts = perToken, ComplexityEstimator = ComplexityEstimators.RouterMargin };
        _bareRouter = new DynamicRouter(_gate, options);
        _innerRouter = new DynamicRouter(_gate, options);
        _monitored = _innerRouter.WithMonitoring(enableCircuitBreaker: true, new MonitoringOptions
        {
            Name = "benchmark",
            AlertThresholds = new AlertThresholds { AvgLatencyMs = 1e6, MemoryUsageMb = 1e6 },
            Webhook = new WebhookOptions { Url = new Uri("http://localhost:1/") },
        });
        _bareLayer = new MoELayer(_bareRouter, _bank);
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
    public (double Bare, double Monitored) Calls(int calls)
    {
        var bare = new double[calls];
        var monitored = new double[calls];
        for (int call = 0; call < calls; call++)
        {
            // Each comes first half of the time: the second finds its experts in the cache.
            bool first = (call & 1) == 0;
            (first ? bare : monitored)[call] = Time(first ? _bareLayer : _monitoredLayer, 2 * call);
            (first ? monitored : bare)[call] = Time(first ? _monitoredLayer : _bareLayer, (2 * call) + 1);
        }

        return (Median(bare), Median(monitored));
    }

    /// <summary>Median of what a call costs more when it is monitored, in seconds, from blocks of calls that take turns.</summary>
    public double Cost(int blocks, int calls)
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
        _bareLayer.Dispose();
        _monitored.Dispose();
        _innerRouter.Dispose();
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
