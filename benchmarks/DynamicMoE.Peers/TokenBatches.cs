namespace DynamicMoE.Peers;

/// <summary>The batches that one cell rotates over: consecutive tokens of a pool.</summary>
/// <param name="Pool">Tokens, <c>[n, hidden]</c>.</param>
/// <param name="Tokens">T: tokens of a batch.</param>
/// <param name="Count">Batches.</param>
internal sealed record TokenBatches(TokenPool Pool, int Tokens, int Count)
{
    // As in decoding, single tokens differ in their experts. Larger batches reach most experts anyway.
    private const int SingleTokens = 64;

    public static TokenBatches Of(TokenPool pool, int tokens) => new(pool, tokens, tokens == 1 ? SingleTokens : 1);

    /// <summary><c>[Tokens, hidden]</c>.</summary>
    public float[] Batch(int index) => Pool.Rows(index * Tokens, Tokens);

    /// <summary>At most <paramref name="limit"/> tokens, evenly spread, as batch and row within it.</summary>
    public IEnumerable<(int Batch, int Row)> Sample(int limit)
    {
        if (Tokens == 1)
        {
            return Enumerable.Range(0, Math.Min(limit, Count)).Select(batch => (batch, 0));
        }

        int taken = Math.Min(limit, Tokens);
        return Enumerable.Range(0, taken).Select(i => (0, i * Tokens / taken));
    }
}
