namespace DynamicMoE.Cli.Benchmarking.Cuda;

/// <summary>The launches of a layer, and what each moves and computes.</summary>
internal static class CudaLayerOps
{
    private const int Float = sizeof(float), Half = 2, Index = sizeof(int), PlanTile = 1024, ColumnsOfCombine = 512;

    /// <summary>The launches in order. Tokens choose experts at random, so that a batch meets E (1 - (1 - k/E)^T) of them.</summary>
    public static IEnumerable<CudaOp> Of(LayerShape shape, WeightFormat format, int tokens, int multiprocessors)
    {
        (double d, double f, double e, double k, double t) = (shape.Hidden, shape.Width, shape.Experts, shape.ExpertsPerToken, tokens);
        double routes = t * k;
        double distinct = DistinctExperts(shape, tokens);
        double activation = format == WeightFormat.Float32 ? Float : Half;
        double weight = LayerFormats.ExpertBytes(shape, format) / (3 * d * f);

        CudaRoute route = CudaRoute.Of(tokens, shape.Experts);
        yield return Plain("dmoe_route", 2 * t * d * e, (Float * ((t * d) + (e * d))) + (routes * 3 * Float), route.Blocks) with
        {
            DynamicBytes = route.SharedBytes,
            UnderWayBytes = route.BytesUnderWay,
        };
        double planTiles = Math.Ceiling(routes / PlanTile), counts = planTiles * e * Index;
        if (planTiles <= 1)
        {
            yield return Plain("dmoe_plan_tile", 0, (routes * 3 * Index) + (e * Index), 1);
        }
        else
        {
            yield return Plain("dmoe_plan_count", 0, (routes * Index) + counts, planTiles);
            yield return Plain("dmoe_plan_scan", 0, 2 * counts, 1);
            yield return Plain("dmoe_plan_scatter", 0, (routes * 3 * Index) + counts, planTiles);
        }

        if (format != WeightFormat.Float32)
        {
            yield return Plain("dmoe_round_bf16", 0, t * d * (Float + Half), Math.Ceiling(t * d / 8 / 256));
        }

        // Gathered rows are read through the level-2 cache: from memory once per token.
        yield return Product(
            "dmoe_up_", CudaTiles.Of(format, shape, tokens, 2 * shape.Width, multiprocessors), 2 * routes * d * 2 * f,
            (distinct * 2 * d * f * weight) + (t * d * activation) + (routes * f * activation), 2 * shape.Width, distinct, routes);
        yield return Product(
            "dmoe_down_", CudaTiles.Of(format, shape, tokens, shape.Hidden, multiprocessors), 2 * routes * f * d,
            (distinct * d * f * weight) + (routes * f * activation) + (routes * d * Float), shape.Hidden, distinct, routes);
        yield return Plain(
            "dmoe_combine", 2 * routes * d, (routes * d * Float) + (t * d * Float), t * Math.Ceiling(d / ColumnsOfCombine));
    }

    /// <summary>Experts that a batch meets on average.</summary>
    public static double DistinctExperts(LayerShape shape, int tokens) =>
        shape.Experts * (1 - Math.Pow(1 - ((double)shape.ExpertsPerToken / shape.Experts), tokens));

    private static CudaOp Plain(string name, double flops, double bytes, double blocks) => new(name, flops, bytes, Tensor: false, blocks, 1);

    private static CudaOp Product(string name, CudaTiles tiles, double flops, double bytes, int columns, double distinct, double rows) =>
        new(name + tiles.Name, flops, bytes, tiles.Tensor, tiles.Blocks(distinct, rows, columns), tiles.Fill(distinct, rows, columns));
}
