namespace DynamicMoE;

/// <summary>The decisions of one pass, as a block holds them. Its arrays grow to the largest pass and are then reused.</summary>
internal sealed class RecordedPass(IReadOnlyList<RecordedLayer> layers)
{
    private readonly int[] _lastToken = new int[layers.Max(layer => layer.Experts)];
    private int[] _ids = [];
    private int[] _starts = [];
    private int[] _experts = [];
    private float[] _weights = [];

    internal int Position { get; private set; }

    internal int Tokens { get; private set; }

    /// <summary>Most experts of a token in this pass.</summary>
    internal int MostExperts { get; private set; }

    internal ReadOnlySpan<int> TokenIds => _ids.AsSpan(0, Tokens);

    internal ReadOnlySpan<int> ExpertsOf(int layer, int token) => _experts.AsSpan(Range(layer, token));

    internal ReadOnlySpan<float> WeightsOf(int layer, int token) => _weights.AsSpan(Range(layer, token));

    internal void Clear()
    {
        Tokens = 0;
        MostExperts = 0;
    }

    /// <summary>Reads a block into a cleared pass, which a failure leaves without tokens.</summary>
    /// <exception cref="RoutingRecordException">The block is no pass of these layers.</exception>
    internal void Read(ref RecordCursor cursor)
    {
        long start = cursor.Offset;
        Position = cursor.Int32();
        int tokens = cursor.Int32();

        // A token takes at least its id and one byte per layer, so that no more is allocated than the block is long.
        long least = tokens * (sizeof(int) + (long)layers.Count);
        cursor.Expect(
            Position >= 0 && tokens is >= 1 and <= Limits.MaxTokens && least <= cursor.Left, start, $"a pass of {tokens} tokens at position {Position} does not fit into {cursor.Left} bytes.");
        Reserve(tokens, cursor.Left);
        for (int token = 0; token < tokens; token++)
        {
            _ids[token] = cursor.Int32();
        }

        int routes = 0;
        for (int layer = 0; layer < layers.Count; layer++)
        {
            _lastToken.AsSpan().Fill(-1);
            for (int token = 0; token < tokens; token++)
            {
                _starts[(layer * tokens) + token] = routes;
                routes = ReadToken(ref cursor, layers[layer].Experts, token, routes);
            }
        }

        _starts[layers.Count * tokens] = routes;
        cursor.Expect(cursor.Left == 0, cursor.Offset, $"{cursor.Left} bytes follow the last layer of the pass.");
        Tokens = tokens;
    }

    private int ReadToken(ref RecordCursor cursor, int experts, int token, int routes)
    {
        long start = cursor.Offset;
        int count = cursor.Small();
        cursor.Expect(count <= experts, start, $"a token has {count} experts of {experts}.");
        MostExperts = Math.Max(MostExperts, count);
        for (int slot = 0; slot < count; slot++)
        {
            long at = cursor.Offset;
            int id = cursor.Small();
            float weight = cursor.Single();
            bool valid = id < experts && _lastToken[id] != token && float.IsFinite(weight);
            cursor.Expect(valid, at, $"expert {id} with weight {weight}: ids are distinct and within 0..{experts - 1}, weights finite.");
            _lastToken[id] = token;
            _experts[routes] = id;
            _weights[routes++] = weight;
        }

        return routes;
    }

    private void Reserve(int tokens, int bytes)
    {
        Grow(ref _ids, tokens);
        Grow(ref _starts, (layers.Count * tokens) + 1);

        // A route takes at least 5 bytes.
        Grow(ref _experts, bytes / 5);
        Grow(ref _weights, bytes / 5);
    }

    private Range Range(int layer, int token)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, layers.Count);
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, Tokens);
        int at = (layer * Tokens) + token;
        return _starts[at].._starts[at + 1];
    }

    private static void Grow<T>(ref T[] array, int length)
    {
        if (array.Length < length)
        {
            array = new T[length];
        }
    }
}
