namespace DynamicMoE;

/// <summary>Gathers the routes of small batches until they say something about every usable expert: one token uses a few experts, which tells
/// nothing about the others. Not safe for many threads.</summary>
internal sealed class RouteWindow(int experts)
{
    private const int RoutesPerExpert = 4;

    private readonly long[] _routes = new long[experts];
    private readonly bool[] _out = new bool[experts];

    /// <summary>Routes of each expert.</summary>
    internal ReadOnlySpan<long> Routes => _routes;

    /// <summary>Sum of <see cref="Routes"/>.</summary>
    internal long Total { get; private set; }

    /// <summary>Experts that could be chosen.</summary>
    internal int Usable { get; private set; } = experts;

    /// <summary>Whether an expert could be chosen.</summary>
    internal bool IsUsable(int expert) => !_out[expert];

    /// <summary>Adds a batch. Another set of usable experts begins a new window: shares under different masks are not one distribution.</summary>
    /// <param name="routes">Routes of each expert.</param>
    /// <param name="mask">0 = not usable; empty = all are.</param>
    /// <returns>Whether the window is full.</returns>
    internal bool Add(ReadOnlySpan<long> routes, ReadOnlySpan<byte> mask)
    {
        if (!Same(mask))
        {
            Take(mask);
        }

        for (int expert = 0; expert < _routes.Length; expert++)
        {
            _routes[expert] += routes[expert];
            Total += routes[expert];
        }

        return Total >= (long)RoutesPerExpert * Usable;
    }

    internal void Clear()
    {
        Array.Clear(_routes);
        Total = 0;
    }

    private bool Same(ReadOnlySpan<byte> mask)
    {
        for (int expert = 0; expert < _out.Length; expert++)
        {
            if (_out[expert] != (!mask.IsEmpty && mask[expert] == 0))
            {
                return false;
            }
        }

        return true;
    }

    private void Take(ReadOnlySpan<byte> mask)
    {
        Clear();
        Usable = 0;
        for (int expert = 0; expert < _out.Length; expert++)
        {
            _out[expert] = !mask.IsEmpty && mask[expert] == 0;
            Usable += _out[expert] ? 0 : 1;
        }
    }
}
