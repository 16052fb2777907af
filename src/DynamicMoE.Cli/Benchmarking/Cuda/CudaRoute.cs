namespace DynamicMoE.Cli.Benchmarking.Cuda;

/// <summary>How <c>dmoe_route</c> cuts its work: the choices of <c>native/cuda/kernels/launch.hpp</c>, for up to 512 tokens.</summary>
/// <param name="Blocks">Blocks of the launch: 4 tokens each, and where those are few a part of the experts.</param>
/// <param name="BytesUnderWay">Of the gate's weights that a block has asked for at a time: two stages.</param>
internal readonly record struct CudaRoute(int Blocks, int BytesUnderWay)
{
    private const int Tokens = 4, MostBlocks = 128, Panel = 32, Warps = 8;

    /// <summary>The launch for a batch.</summary>
    /// <param name="tokens">1 to 512.</param>
    /// <param name="experts">At least 1.</param>
    public static CudaRoute Of(int tokens, int experts)
    {
        int panels = DivideUp(experts, Panel), groups = DivideUp(tokens, Tokens);
        int most = Math.Max(1, Math.Min(panels, MostBlocks / groups));
        int slicePanels = DivideUp(panels, most), slices = DivideUp(panels, slicePanels);

        int warpRows = slicePanels <= 2 ? 1 : Tokens;
        int passPanels = Math.Min(slicePanels, Warps * warpRows / Tokens * 2);
        int rows = panels <= 8 ? 104 : 88;
        int stage = Math.Max(4, rows / passPanels / 4 * 4);
        return new CudaRoute(groups * slices, 2 * stage * passPanels * Panel * sizeof(float));
    }

    private static int DivideUp(int value, int by) => (value + by - 1) / by;
}
