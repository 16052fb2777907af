using System.Globalization;

namespace DynamicMoE.Peers;

/// <summary>Where a run took place.</summary>
/// <param name="Cpu">The processor, as it calls itself.</param>
/// <param name="LogicalCpus">Logical processors of this process.</param>
/// <param name="Isa">Level of our kernels.</param>
/// <param name="Torchsharp">Version of TorchSharp.</param>
/// <param name="LoadBefore">Runnable threads of the whole machine before the run, mean of a minute; null = unknown.</param>
/// <param name="LoadAfter">The same after the run; the run itself is in it.</param>
internal sealed record Machine(string Cpu, int LogicalCpus, string Isa, string Torchsharp, double? LoadBefore, double? LoadAfter)
{
    public static Machine Describe(double? loadBefore)
    {
        RuntimeInfo info = RuntimeInfo.Query();
        Version? version = typeof(TorchSharp.torch).Assembly.GetName().Version;
        return new Machine(info.CpuName, info.LogicalCpus, info.Isa.ToString(), version?.ToString(3) ?? "unknown", loadBefore, Load());
    }

    public static double? Load()
    {
        const string Path = "/proc/loadavg";
        return File.Exists(Path) ? double.Parse(File.ReadAllText(Path).Split(' ')[0], CultureInfo.InvariantCulture) : null;
    }
}
