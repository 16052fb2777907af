namespace DynamicMoE.Cli.Benchmarking.Cuda;

/// <summary>How the experts' kernels cut their work: the choices of <c>native/cuda/kernels/launch_experts.hpp</c>.</summary>
/// <param name="Name">End of the kernels' names.</param>
/// <param name="Rows">Rows of a tile.</param>
/// <param name="Columns">Columns of a tile.</param>
/// <param name="AtOnce">Tiles that a block works on side by side.</param>
internal readonly record struct CudaTiles(string Name, int Rows, int Columns, int AtOnce)
{
    private const int SmallBatch = 8, RowsOfLargeTiles = 96, Panel = 32;

    /// <summary>Whether its products are those of tensor cores.</summary>
    public bool Tensor => !Name.StartsWith("f32", StringComparison.Ordinal);

    /// <summary>The tiles of a product.</summary>
    /// <param name="format">Format of the weights.</param>
    /// <param name="shape">The layer.</param>
    /// <param name="tokens">Tokens of a batch.</param>
    /// <param name="columns">Columns of the product.</param>
    /// <param name="multiprocessors">Of the card.</param>
    public static CudaTiles Of(WeightFormat format, LayerShape shape, int tokens, int columns, int multiprocessors)
    {
        string name = format switch
        {
            WeightFormat.Float32 => "f32",
            WeightFormat.BFloat16 => "bf16",
            WeightFormat.Q8 => "q8",
            _ => "q4",
        };
        if (tokens <= SmallBatch)
        {
            return new CudaTiles($"{name}_small", SmallBatch, format is WeightFormat.BFloat16 or WeightFormat.Q8 ? Panel / 2 : Panel, 4);
        }

        if (format == WeightFormat.Float32)
        {
            return new CudaTiles(name, 64, 4 * Panel, 1);
        }

        var large = new CudaTiles($"{name}_128", 128, 4 * Panel, 1);
        long rows = (long)tokens * shape.ExpertsPerToken;
        return rows >= (long)shape.Experts * RowsOfLargeTiles && large.Most(shape, rows, columns) >= multiprocessors
            ? large
            : new CudaTiles($"{name}_64", 64, 2 * Panel, 1);
    }

    /// <summary>Blocks that a product takes at most: an expert more for each that has rows.</summary>
    public double Most(LayerShape shape, long rows, int columns)
    {
        long active = Math.Min(shape.Experts, rows);
        return Math.Ceiling((active + ((rows - active) / Rows)) * Math.Ceiling(columns / (double)Columns) / AtOnce);
    }

    /// <summary>Blocks that a product takes with its rows spread evenly over the distinct experts.</summary>
    public double Blocks(double distinct, double rows, int columns) =>
        Math.Ceiling(distinct * Math.Ceiling(rows / distinct / Rows) * Math.Ceiling(columns / (double)Columns) / AtOnce);

    /// <summary>Share of the tiles that holds results.</summary>
    public double Fill(double distinct, double rows, int columns)
    {
        double perExpert = rows / distinct;
        return perExpert / (Math.Ceiling(perExpert / Rows) * Rows) * (columns / (Math.Ceiling(columns / (double)Columns) * Columns));
    }
}
