using System.Globalization;

namespace DynamicMoE.Cli.Benchmarking;

/// <summary>Where a benchmark ran.</summary>
/// <param name="Cpu">The processor, as it calls itself.</param>
/// <param name="LogicalCpus">Logical processors of this process.</param>
/// <param name="Isa">Level of our kernels.</param>
/// <param name="L3Bytes">Third-level cache in all; 0 = unknown.</param>
/// <param name="LibraryVersion">Version of the native library.</param>
internal sealed record BenchMachine(string Cpu, int LogicalCpus, string Isa, long L3Bytes, string LibraryVersion)
{
    public static BenchMachine Of(RuntimeInfo info) =>
        new(info.CpuName, info.LogicalCpus, info.Isa.ToString().ToLowerInvariant(), info.L3Bytes, info.LibraryVersion);

    /// <summary>Runnable threads of the whole machine, mean of a minute; null = unknown.</summary>
    public static double? Load()
    {
        const string Path = "/proc/loadavg";
        return File.Exists(Path) ? double.Parse(File.ReadAllText(Path).Split(' ')[0], CultureInfo.InvariantCulture) : null;
    }
}
