namespace DynamicMoE.Cli.Benchmarking;

/// <summary>The three matrices of one expert: a buffer that every expert is drawn into in turn, so that a large layer takes no third copy.</summary>
internal sealed class ExpertMatrices(LayerShape shape, WeightFormat format)
{
    /// <summary><c>[F, D]</c>.</summary>
    public WeightMatrix Gate { get; } = new(shape.Width, shape.Hidden, format);

    /// <summary><c>[F, D]</c>.</summary>
    public WeightMatrix Up { get; } = new(shape.Width, shape.Hidden, format);

    /// <summary><c>[D, F]</c>.</summary>
    public WeightMatrix Down { get; } = new(shape.Hidden, shape.Width, format);
}

/// <summary>Random weights of a layer, made on request from seeds.</summary>
internal sealed class LayerWeights
{
    // Logits of a deviation of 1.5 on tokens of deviation 1: routing neither even nor one-sided.
    private const double LogitDeviation = 1.5;

    public LayerWeights(LayerShape shape, WeightFormat format, ulong seed)
    {
        Shape = shape;
        Format = format;
        Seed = seed;
        Router = new float[shape.Experts * shape.Hidden];
        var random = new RandomBits(seed);
        double deviation = LogitDeviation / Math.Sqrt(shape.Hidden);
        if (format == WeightFormat.BFloat16)
        {
            WeightMatrix.FillBFloat16(ref random, Router, deviation);
        }
        else
        {
            WeightMatrix.FillSingle(ref random, Router, deviation);
        }
    }

    public LayerShape Shape { get; }

    public WeightFormat Format { get; }

    public ulong Seed { get; }

    /// <summary><c>[E, D]</c>; float32 in the quantised formats.</summary>
    public float[] Router { get; }

    /// <summary>Draws every expert and hands it over; the matrices are valid during the call only.</summary>
    public void ForEach(Action<int, ExpertMatrices> use)
    {
        var expert = new ExpertMatrices(Shape, Format);
        for (int index = 0; index < Shape.Experts; index++)
        {
            Draw(index, expert);
            use(index, expert);
        }
    }

    /// <summary>Draws one expert; the outputs of all have a deviation of about 1 on tokens of deviation 1.</summary>
    public void Draw(int index, ExpertMatrices expert)
    {
        var seeds = new RandomBits(Seed + 1 + (ulong)index);
        expert.Gate.Fill(seeds.Next(), 1 / Math.Sqrt(Shape.Hidden));
        expert.Up.Fill(seeds.Next(), 1 / Math.Sqrt(Shape.Hidden));
        expert.Down.Fill(seeds.Next(), 1 / Math.Sqrt(Shape.Width));
    }
}
