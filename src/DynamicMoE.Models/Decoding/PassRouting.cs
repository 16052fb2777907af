namespace DynamicMoE.Models;

/// <summary>Runs the blocks of a pass and hands out their figures. Allocates only when a pass is larger than those before.</summary>
internal sealed class PassRouting(MoEModel model, PassRows rows)
{
    private readonly IReadOnlyList<MoEBlock> _blocks = model.MoELayers;
    private readonly TimeProvider _time = model.Options.TimeProvider;
    private readonly RoutingTally _total = new(model.MoELayers);
    private readonly RoutingContext _context = new();
    private RoutingBuffers? _buffers;
    private IRoutingSource? _source;
    private RoutingRecordWriter? _record;
    private long _ticks;

    /// <summary>Begins a pass.</summary>
    /// <param name="alone">The sequence when it runs by itself: recorded, or by decisions from elsewhere; null in a batch.</param>
    public void Begin(MoESession? alone)
    {
        (_source, _record, _ticks) = (alone?.Source, alone?.Record, 0);
        _total.Clear();
        for (int step = 0; step < rows.Steps; step++)
        {
            rows.Session(step).BeginRouting(rows.CountOf(step));
        }
    }

    /// <summary>Begins a chunk.</summary>
    /// <exception cref="RoutingValidationException">Another chunk was recorded in this place.</exception>
    public void BeginChunk()
    {
        PassSegment first = rows.Segments[0];
        _source?.Next(first.Tokens, first.Position);
        _record?.BeginPass(first.Tokens, first.Position);
    }

    /// <summary>Runs the i-th block on the chunk.</summary>
    /// <param name="index">i.</param>
    /// <param name="x">Normed hidden states, <c>[rows, hidden]</c>.</param>
    /// <param name="y">[out] <c>[rows, hidden]</c>.</param>
    /// <param name="context">What the router is told; null = nothing.</param>
    public void Run(int index, ReadOnlySpan<float> x, Span<float> y, RoutingContext? context)
    {
        MoEBlock block = _blocks[index];
        RoutingBuffers buffers = Buffers(block);
        long start = _time.GetTimestamp();
        RoutingReport report = _source is null
            ? block.Forward(x, rows.Count, y, buffers, context)
            : _source.Run(index, block, x, rows.Count, y, buffers);
        _ticks += _time.GetElapsedTime(start).Ticks;
        _record?.Add(index, buffers);
        _total.Add(index, buffers, in report);
        foreach (ref readonly PassSegment segment in rows.Segments)
        {
            segment.Session.AddRouting(index, buffers, in segment, in report);
        }
    }

    /// <summary>Ends the pass.</summary>
    /// <param name="reports">[out] Figures of each step; empty = not wanted.</param>
    /// <returns>Figures of all rows.</returns>
    public ForwardReport End(Span<ForwardReport> reports)
    {
        TimeSpan time = TimeSpan.FromTicks(_ticks);
        for (int step = 0; step < rows.Steps; step++)
        {
            ForwardReport report = rows.Session(step).EndRouting(rows.CountOf(step), time);
            if (!reports.IsEmpty)
            {
                reports[step] = report;
            }
        }

        return _total.End(rows.Tokens, time);
    }

    /// <summary>Gives up a pass that failed.</summary>
    public void Fail()
    {
        for (int step = 0; step < rows.Steps; step++)
        {
            rows.Session(step).BeginRouting(0);
        }
    }

    /// <summary>What the dials of the sequences tell a block; null = nothing.</summary>
    public RoutingContext? Dials(MoEBlock block)
    {
        if (!rows.HasDials || block.Router.Controller is null)
        {
            return null;
        }

        _context.Quality = rows.Quality;
        return _context;
    }

    // One layer's decisions at a time: they were counted and recorded when the next layer runs.
    private RoutingBuffers Buffers(MoEBlock block)
    {
        int slots = Math.Max(block.Router.MaxExperts, _source?.MostExperts ?? 0);
        if (_buffers is null || _buffers.Slots < slots || _buffers.MaxTokens < rows.Count)
        {
            _buffers = new RoutingBuffers(rows.Capacity, Math.Max(slots, _buffers?.Slots ?? 0), block.Config.Count, withLogits: false);
        }

        return _buffers;
    }
}
