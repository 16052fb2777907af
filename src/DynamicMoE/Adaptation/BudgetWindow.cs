namespace DynamicMoE;

/// <summary>Mean experts per token over the last 100 batches of 64 tokens or more. Smaller batches are gathered, larger ones count as one.</summary>
internal sealed class BudgetWindow
{
    internal const int Batches = 100;
    private const int BatchTokens = 64;

    private readonly long[] _tokens = new long[Batches];
    private readonly long[] _routes = new long[Batches];
    private readonly double[] _wanted = new double[Batches];
    private long _sumTokens;
    private long _sumRoutes;
    private long _openTokens;
    private long _openRoutes;
    private double _openWanted;
    private int _next;

    /// <summary>Batches since the window began.</summary>
    internal long Seen { get; private set; }

    internal bool Full => Seen >= Batches;

    /// <summary>Realised mean, what was gathered included; NaN before the first token.</summary>
    internal double Mean => _sumTokens + _openTokens == 0 ? double.NaN : (double)(_sumRoutes + _openRoutes) / (_sumTokens + _openTokens);

    /// <summary>By what share of the budgets of its batches the window is off; at least 0.</summary>
    internal double Miss
    {
        get
        {
            // Summed anew: differences of doubles would drift.
            double wanted = System.Numerics.Tensors.TensorPrimitives.Sum<double>(_wanted);
            return Math.Abs(_sumRoutes - wanted) / wanted;
        }
    }

    /// <returns>Whether a batch came to its end.</returns>
    internal bool Add(long tokens, long routes, double budget)
    {
        _openWanted += budget * tokens;
        _openTokens += tokens;
        _openRoutes += routes;
        if (_openTokens < BatchTokens)
        {
            return false;
        }

        _sumTokens += _openTokens - _tokens[_next];
        _sumRoutes += _openRoutes - _routes[_next];
        (_tokens[_next], _routes[_next], _wanted[_next]) = (_openTokens, _openRoutes, _openWanted);
        (_openTokens, _openRoutes, _openWanted) = (0, 0, 0);
        _next = (_next + 1) % Batches;
        Seen++;
        return true;
    }

    internal void Clear()
    {
        Array.Clear(_tokens);
        Array.Clear(_routes);
        Array.Clear(_wanted);
        (_sumTokens, _sumRoutes, _openTokens, _openRoutes, _openWanted, _next, Seen) = (0, 0, 0, 0, 0, 0, 0);
    }
}
