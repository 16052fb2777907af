namespace DynamicMoE.Cli.Benchmarking.Cuda;

/// <summary>How <c>dmoe_route</c> cuts its work: the choices of <c>native/cuda/kernels/launch.hpp</c>, which a test of its own holds to the same numbers.</summary>
/// <param name="Blocks">Blocks of the launch: some tokens each, and where those are few a part of the experts.</param>
/// <param name="SharedBytes">Shared memory that a block asks for, without groups of experts.</param>
/// <param name="BytesUnderWay">Of the gate's weights that a block has asked for at a time: two stages.</param>
internal readonly record struct CudaRoute(int Blocks, int SharedBytes, int BytesUnderWay)
{
    private const int FewTokens = 4, MostBlocks = 128, Panel = 32, Warps = 8, Stages = 3, SharedLimit = 48 * 1024, OrderBytes = 16;

    /// <summary>The launch for a batch.</summary>
    /// <param name="tokens">At least 1.</param>
    /// <param name="experts">1 to 512.</param>
    public static CudaRoute Of(int tokens, int experts)
    {
        int blockTokens = tokens switch { <= 512 => FewTokens, <= 1024 => 8, <= 2048 => 16, _ => 32 };
        CudaRoute route = Of(tokens, experts, blockTokens);
        while (blockTokens > FewTokens && route.SharedBytes > SharedLimit)
        {
            blockTokens /= 2;
            route = Of(tokens, experts, blockTokens);
        }

        return route;
    }

    private static CudaRoute Of(int tokens, int experts, int blockTokens)
    {
        int panels = DivideUp(experts, Panel);
        int most = Math.Max(1, Math.Min(panels, MostBlocks / DivideUp(tokens, FewTokens)));
        int slicePanels = DivideUp(panels, most), slices = DivideUp(panels, slicePanels);

        int warpRows = blockTokens == FewTokens && slicePanels <= 2 ? 1 : 4;
        int passPanels = Math.Min(slicePanels, Warps * warpRows / blockTokens * (blockTokens <= 8 ? 2 : 4));
        int stageRows = blockTokens switch { FewTokens => panels <= 8 ? 104 : 88, <= 16 => 64, _ => 32 };
        int tile = Math.Max(4, stageRows / passPanels / 4 * 4);
        int weights = tile * passPanels * Panel * sizeof(float), hidden = tile * blockTokens * sizeof(float);
        int row = panels * Panel * sizeof(float);
        int shared = (blockTokens * row) + Math.Max(Stages * (weights + hidden), Math.Min(blockTokens, Warps) * (row + OrderBytes));
        return new CudaRoute(DivideUp(tokens, blockTokens) * slices, shared, (Stages - 1) * weights);
    }

    private static int DivideUp(int value, int by) => (value + by - 1) / by;
}
