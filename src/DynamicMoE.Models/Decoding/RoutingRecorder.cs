namespace DynamicMoE.Models;

/// <summary>Collects what the routers of one session do in a pass, over all its chunks. Allocates only when a router grows.</summary>
internal sealed class RoutingRecorder
{
    private readonly MoEBlock[] _blocks;
    private readonly TimeProvider _time;
    private readonly int _tokens;
    private readonly RoutingBuffers?[] _buffers;
    private readonly long[][] _expertRoutes;
    private readonly LayerRouting[] _layers;
    private RoutingRecordWriter? _record;
    private IRoutingSource? _source;
    private double _flops;
    private long _ticks;

    public RoutingRecorder(IReadOnlyList<MoEBlock> blocks, TimeProvider time, int tokens)
    {
        _blocks = [.. blocks];
        _time = time;
        _tokens = tokens;
        _buffers = new RoutingBuffers?[_blocks.Length];
        _expertRoutes = [.. _blocks.Select(block => new long[block.Config.Count])];
        _layers = new LayerRouting[_blocks.Length];
    }

    /// <summary>Figures per layer of the last pass.</summary>
    public ReadOnlySpan<LayerRouting> Layers => _layers;

    /// <summary>Where decisions are written to, or null.</summary>
    public RoutingRecordWriter? Record
    {
        set => _record = value;
    }

    /// <summary>Where decisions come from, or null: from the routers.</summary>
    public IRoutingSource? Source
    {
        get => _source;
        set => _source = value;
    }

    /// <summary>Begins a chunk of a pass.</summary>
    /// <exception cref="RoutingValidationException">Another chunk was recorded in this place.</exception>
    public void BeginChunk(ReadOnlySpan<int> tokens, int position)
    {
        _source?.Next(tokens, position);
        _record?.BeginPass(tokens, position);
    }

    /// <summary>Begins a pass.</summary>
    public void Begin()
    {
        _flops = 0;
        _ticks = 0;
        for (int i = 0; i < _blocks.Length; i++)
        {
            Array.Clear(_expertRoutes[i]);
            _layers[i] = new LayerRouting(_blocks[i].Layer, default);
        }
    }

    /// <summary>Runs the i-th block on a chunk and takes its figures.</summary>
    public void Run(int index, ReadOnlySpan<float> x, int tokens, Span<float> y, RoutingContext? context)
    {
        MoEBlock block = _blocks[index];
        RoutingBuffers buffers = Buffers(index, block);
        long start = _time.GetTimestamp();
        RoutingReport report = _source is null
            ? block.Forward(x, tokens, y, buffers, context)
            : _source.Run(index, block, x, tokens, y, buffers);
        _ticks += _time.GetElapsedTime(start).Ticks;
        _record?.Add(index, buffers);
        _flops += ((double)report.Tokens * block.FlopsPerToken) + ((double)report.Routes * block.FlopsPerRoute);
        long[] routes = _expertRoutes[index];
        for (int expert = 0; expert < routes.Length; expert++)
        {
            routes[expert] += buffers.ExpertRoutes[expert];
        }

        RoutingReport sum = _layers[index].Report;
        _layers[index] = new LayerRouting(block.Layer, new RoutingReport(
            sum.Tokens + report.Tokens,
            sum.Routes + report.Routes,
            routes.AsSpan().Length - routes.AsSpan().Count(0L),
            Largest(routes),
            sum.OverflowRoutes + report.OverflowRoutes,
            sum.DroppedRoutes + report.DroppedRoutes));
    }

    /// <summary>Figures of the pass over all layers.</summary>
    public ForwardReport End(int tokens)
    {
        long routes = 0, distinct = 0;
        foreach (LayerRouting layer in _layers)
        {
            routes += layer.Report.Routes;
            distinct += layer.Report.DistinctExperts;
        }

        return new ForwardReport(tokens, 1, (long)tokens * _layers.Length, routes, distinct, _layers.Length, _flops, TimeSpan.FromTicks(_ticks));
    }

    private RoutingBuffers Buffers(int index, MoEBlock block)
    {
        RoutingBuffers? buffers = _buffers[index];
        int slots = Math.Max(block.Router.MaxExperts, _source?.MostExperts ?? 0);
        if (buffers is null || buffers.Slots < slots)
        {
            buffers = new RoutingBuffers(_tokens, slots, block.Config.Count, withLogits: false);
            _buffers[index] = buffers;
        }

        return buffers;
    }

    private static long Largest(long[] values)
    {
        long largest = 0;
        foreach (long value in values)
        {
            largest = Math.Max(largest, value);
        }

        return largest;
    }
}
