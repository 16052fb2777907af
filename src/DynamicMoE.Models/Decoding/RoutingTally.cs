namespace DynamicMoE.Models;

/// <summary>Adds up what the routers did with the rows of a sequence, or of all sequences, over the chunks of a pass. Allocates nothing.</summary>
internal sealed class RoutingTally
{
    private readonly MoEBlock[] _blocks;
    private readonly long[][] _routes;
    private readonly RoutingReport[] _sums;
    private readonly LayerRouting[] _layers;

    public RoutingTally(IReadOnlyList<MoEBlock> blocks)
    {
        _blocks = [.. blocks];
        _routes = [.. _blocks.Select(block => new long[block.Config.Count])];
        _sums = new RoutingReport[_blocks.Length];
        _layers = new LayerRouting[_blocks.Length];
        Clear();
    }

    /// <summary>Figures per layer of the last pass; zeros before <see cref="End"/>.</summary>
    public ReadOnlySpan<LayerRouting> Layers => _layers;

    /// <summary>Begins a pass.</summary>
    public void Clear()
    {
        Array.Clear(_sums);
        for (int i = 0; i < _blocks.Length; i++)
        {
            Array.Clear(_routes[i]);
            _layers[i] = new LayerRouting(_blocks[i].Layer, default);
        }
    }

    /// <summary>Adds all rows of a chunk.</summary>
    public void Add(int index, RoutingBuffers buffers, in RoutingReport report)
    {
        long[] routes = _routes[index];
        for (int expert = 0; expert < routes.Length; expert++)
        {
            routes[expert] += buffers.ExpertRoutes[expert];
        }

        Add(index, report.Tokens, report.Routes, in report);
    }

    /// <summary>Adds some rows of a chunk, and to each of <paramref name="counts"/> the experts of its row.</summary>
    public void Add(int index, RoutingBuffers buffers, int row, Span<float> counts, in RoutingReport report)
    {
        long[] routes = _routes[index];
        long sum = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            foreach (int expert in buffers.IndicesOf(row + i))
            {
                routes[expert]++;
            }

            int used = buffers.ExpertsPerToken[row + i];
            counts[i] += used;
            sum += used;
        }

        Add(index, counts.Length, sum, in report);
    }

    /// <summary>Ends a pass.</summary>
    /// <param name="tokens">Positions computed.</param>
    /// <param name="time">Wall time of the MoE blocks.</param>
    /// <returns>Figures over all layers.</returns>
    public ForwardReport End(long tokens, TimeSpan time)
    {
        long routes = 0, distinct = 0;
        double flops = 0;
        for (int i = 0; i < _blocks.Length; i++)
        {
            MoEBlock block = _blocks[i];
            RoutingReport sum = _sums[i] with { DistinctExperts = _routes[i].Length - _routes[i].AsSpan().Count(0L), MaxExpertRoutes = Largest(_routes[i]) };
            _layers[i] = new LayerRouting(block.Layer, sum);
            routes += sum.Routes;
            distinct += sum.DistinctExperts;
            flops += ((double)sum.Tokens * block.FlopsPerToken) + ((double)sum.Routes * block.FlopsPerRoute);
        }

        return new ForwardReport(tokens, 1, tokens * _blocks.Length, routes, distinct, _blocks.Length, flops, time);
    }

    // What is over a capacity cannot be told apart by row: it is the batch's.
    private void Add(int index, long tokens, long routes, in RoutingReport report)
    {
        RoutingReport sum = _sums[index];
        _sums[index] = new RoutingReport(
            sum.Tokens + tokens, sum.Routes + routes, 0, 0, sum.OverflowRoutes + report.OverflowRoutes, sum.DroppedRoutes + report.DroppedRoutes);
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
