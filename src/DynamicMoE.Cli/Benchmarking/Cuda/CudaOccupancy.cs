namespace DynamicMoE.Cli.Benchmarking.Cuda;

/// <summary>What one block of a kernel takes of a multiprocessor.</summary>
/// <param name="Threads">Threads of a block.</param>
/// <param name="Registers">Per thread, as ptxas reports them.</param>
/// <param name="SharedBytes">Static and dynamic shared memory of a block.</param>
internal readonly record struct BlockUse(int Threads, int Registers, int SharedBytes);

/// <summary>Blocks that a multiprocessor holds at once, from the published limits of its architecture (CUDA C++ Programming Guide, table of technical
/// specifications per compute capability).</summary>
internal static class CudaOccupancy
{
    private const int Warp = 32, RegisterUnit = 256, RegisterFile = 65536, ReservedShared = 1024, SharedUnit = 128, WarpSchedulers = 4;

    private static readonly Dictionary<string, (int Warps, int Blocks, int SharedBytes)> Limits = new()
    {
        ["sm_80"] = (64, 32, 167936),
        ["sm_86"] = (48, 16, 102400),
        ["sm_89"] = (48, 24, 102400),
        ["sm_90"] = (64, 32, 233472),
    };

    /// <summary>Architectures whose limits are known.</summary>
    public static IEnumerable<string> Architectures => Limits.Keys;

    /// <summary>Blocks of a kernel that one multiprocessor runs at once; 0 when one does not fit.</summary>
    public static int Blocks(string architecture, BlockUse use)
    {
        (int warps, int blocks, int shared) = Limits[architecture];
        int blockWarps = (use.Threads + Warp - 1) / Warp;
        int registersOfWarp = RoundUp(Math.Max(use.Registers, 1) * Warp, RegisterUnit);
        int warpsByRegisters = RegisterFile / registersOfWarp / WarpSchedulers * WarpSchedulers;
        return new[]
        {
            warps / blockWarps,
            blocks,
            warpsByRegisters / blockWarps,
            shared / RoundUp(use.SharedBytes + ReservedShared, SharedUnit),
        }.Min();
    }

    private static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;
}
