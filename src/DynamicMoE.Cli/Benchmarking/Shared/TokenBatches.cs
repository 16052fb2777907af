namespace DynamicMoE.Cli.Benchmarking;

/// <summary>The batches that one cell rotates over. Together they have at least 64 tokens, so that single tokens and small batches change their experts.</summary>
internal sealed class TokenBatches
{
    private readonly TokenPool _pool;
    private readonly int[] _firstBatch;

    /// <param name="pool">Tokens, at least <paramref name="tokens"/>.</param>
    /// <param name="tokens">T: tokens of a batch.</param>
    public TokenBatches(TokenPool pool, int tokens)
    {
        _pool = pool;
        Tokens = tokens;
        Count = Math.Max(1, TokenPool.Rotation / tokens);

        // Checked tokens are spread over all rows of a batch, so that no part of a kernel goes unchecked; the others keep their order.
        _firstBatch = new int[tokens];
        int next = TokenPool.Checked;
        for (int row = 0; row < tokens; row++)
        {
            int index = tokens <= TokenPool.Checked ? row : Enumerable.Range(0, TokenPool.Checked).FirstOrDefault(token => RowOf(token) == row, -1);
            _firstBatch[row] = index >= 0 ? index : next++;
        }
    }

    /// <summary>T: tokens of a batch.</summary>
    public int Tokens { get; }

    /// <summary>Number of batches.</summary>
    public int Count { get; }

    /// <summary>Token of the pool in a row of a batch.</summary>
    public int TokenAt(int batch, int row) =>
        Tokens == 1 ? _pool.SingleOrder[batch] : batch == 0 ? _firstBatch[row] : (batch * Tokens) + row;

    /// <summary><c>[Tokens, hidden]</c>.</summary>
    public float[] Batch(int index)
    {
        int hidden = _pool.Row(0).Length;
        var rows = new float[Tokens * hidden];
        for (int row = 0; row < Tokens; row++)
        {
            _pool.Row(TokenAt(index, row)).CopyTo(rows.AsSpan(row * hidden));
        }

        return rows;
    }

    /// <summary>Where the checked tokens are.</summary>
    public IEnumerable<(int Token, int Batch, int Row)> CheckedRows() =>
        from token in Enumerable.Range(0, TokenPool.Checked)
        select Tokens switch
        {
            1 => (token, Enumerable.Range(0, Count).First(batch => TokenAt(batch, 0) == token), 0),
            <= TokenPool.Checked => (token, token / Tokens, token % Tokens),
            _ => (token, 0, RowOf(token)),
        };

    /// <summary>Mean number of experts with a route in a batch.</summary>
    public double DistinctExperts() => Enumerable.Range(0, Count)
        .Average(batch => Enumerable.Range(0, Tokens).SelectMany(row => _pool.Experts(TokenAt(batch, row))).Distinct().Count());

    private int RowOf(int token) => token * Tokens / TokenPool.Checked;
}
