namespace DynamicMoE.Cli.Benchmarking;

/// <summary>
/// Random tokens and their experts. A token whose last chosen and first left-out expert are nearer than the format's rounding of logits is
/// drawn again: every implementation then has the same routes, and so the same work.
/// </summary>
internal sealed class TokenPool
{
    /// <summary>What one token at a time rotates over.</summary>
    public const int Rotation = 64;

    /// <summary>Tokens whose outputs are checked in every cell, the first of the pool, so that their exact outputs are computed once.</summary>
    public const int Checked = 8;

    // Four times as many, to choose them from.
    private const int Smallest = 256;

    private readonly LayerShape _shape;
    private readonly float[] _tokens;
    private readonly int[][] _experts;

    /// <summary>Draws tokens for batches of up to <paramref name="largestBatch"/>.</summary>
    public TokenPool(LayerWeights weights, int largestBatch)
    {
        _shape = weights.Shape;
        int count = Size(largestBatch);
        _tokens = new float[count * _shape.Hidden];
        _experts = new int[count][];
        Draw(weights);
        SingleOrder = RestedOrder();
    }

    /// <summary>Tokens that are run one at a time, in this order; the checked ones are among them.</summary>
    public IReadOnlyList<int> SingleOrder { get; }

    /// <summary>Tokens of a pool.</summary>
    public static int Size(int largestBatch) => Math.Max(Smallest, largestBatch);

    /// <summary>One token, <c>[hidden]</c>.</summary>
    public ReadOnlySpan<float> Row(int token) => _tokens.AsSpan(token * _shape.Hidden, _shape.Hidden);

    /// <summary>Experts of one token, the best first.</summary>
    public IReadOnlyList<int> Experts(int token) => _experts[token];

    private void Draw(LayerWeights weights)
    {
        var random = new RandomBits(~weights.Seed);
        double error = LayerFormats.LogitError(weights.Format);
        using GateWeights gate = GateWeights.Create(weights.Router, [], new GateOptions { InputDim = _shape.Hidden, NumExperts = _shape.Experts });
        var logits = new float[_experts.Length * _shape.Experts];
        int[] missing = [.. Enumerable.Range(0, _experts.Length)];
        while (missing.Length > 0)
        {
            foreach (int token in missing)
            {
                Draw(ref random, _tokens.AsSpan(token * _shape.Hidden, _shape.Hidden), weights.Format);
            }

            gate.Logits(_tokens, _experts.Length, logits);
            missing = [.. missing.Where(token => !Choose(logits.AsSpan(token * _shape.Experts, _shape.Experts), error, out _experts[token]))];
        }
    }

    private static void Draw(ref RandomBits random, Span<float> row, WeightFormat format)
    {
        random.FillGaussian(row);
        foreach (ref float value in row)
        {
            value = format == WeightFormat.BFloat16 ? BFloat16Of(value) : value;
        }
    }

    // Cut, not rounded: any bfloat16 number serves.
    private static float BFloat16Of(float value) => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xFFFF0000);

    // Whether the choice is beyond doubt.
    private bool Choose(ReadOnlySpan<float> logits, double error, out int[] experts)
    {
        float[] row = logits.ToArray();
        int[] order = [.. Enumerable.Range(0, row.Length)];
        Array.Sort(Array.ConvertAll(row, logit => -logit), order);
        int k = _shape.ExpertsPerToken;
        experts = order[..k];
        return k == row.Length || row[order[k - 1]] - row[order[k]] > 2 * error * row.Max(Math.Abs);
    }

    // Each next token is one whose experts rested longest, so that it does not find in cache what the one before it has read: a count of bytes per
    // token is then one of bytes from memory. Checked tokens are among them, at equal distances.
    private int[] RestedOrder()
    {
        var lastUse = new int[_shape.Experts];
        Array.Fill(lastUse, -Rotation);
        HashSet<int> left = [.. Enumerable.Range(0, _experts.Length)];
        var order = new int[Rotation];
        for (int step = 0; step < Rotation; step++)
        {
            bool isChecked = step % (Rotation / Checked) == 0;
            order[step] = left.Where(token => token < Checked == isChecked)
                .MinBy(token => (_experts[token].Max(expert => lastUse[expert]), _experts[token].Sum(expert => (long)lastUse[expert]), token));
            left.Remove(order[step]);
            foreach (int expert in _experts[order[step]])
            {
                lastUse[expert] = step;
            }
        }

        return order;
    }
}
