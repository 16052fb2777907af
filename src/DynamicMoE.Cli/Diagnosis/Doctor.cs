using System.Globalization;
using System.Runtime.InteropServices;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Diagnosis;

/// <summary>Asks the native core and says what it answers.</summary>
internal static class Doctor
{
    /// <summary>Examines this machine; a library that cannot be used is a finding, not an error.</summary>
    public static DoctorReport Examine()
    {
        try
        {
            RuntimeInfo info = RuntimeInfo.Query();
            return Of(info, Devices());
        }
        catch (Exception error) when (error is DynamicMoEException or PlatformNotSupportedException)
        {
            return new DoctorReport { Usable = false, Problem = ErrorText.Of(error), Runtime = RuntimeInformation.FrameworkDescription };
        }
    }

    /// <summary>Writes the findings for people.</summary>
    public static void Write(ToolConsole console, DoctorReport report)
    {
        void Line(string name, string value) => console.Out.WriteLine($"{name,-14}{value}");
        if (!report.Usable)
        {
            Line("library", $"not usable: {report.Problem}");
            Line("runtime", report.Runtime);
            return;
        }

        Line("library", $"{report.LibraryPath} (version {report.LibraryVersion})");
        Line("ABI", report.AbiVersion!);
        Line("instructions", report.IsaReason!);
        Line("", $"runs here: {string.Join(", ", report.SupportedIsas)}; DYNAMIC_MOE_ISA forces one");
        Line("processor", report.Cpu!);
        Line("cores", $"{report.PhysicalCores} cores, {report.LogicalCpus} logical processors, {report.PoolThreads} threads used");
        Line("quota", Quota(report));
        Line("cache", $"L2 {Mebibytes(report.L2Bytes)} per core, L3 {Mebibytes(report.L3Bytes)}");
        Line("CUDA", report.Cuda!);
        foreach (CudaDeviceReport device in report.CudaDevices)
        {
            Line("", $"cuda:{device.Index} {device.Name}, compute capability {device.ComputeCapability}, {Mebibytes(device.TotalBytes)}: {device.Reason}");
        }

        Line("", DoctorReport.NotMeasured);
        Line("runtime", report.Runtime);
    }

    private static DoctorReport Of(RuntimeInfo info, IReadOnlyList<CudaDeviceInfo> devices) => new()
    {
        Usable = true,
        LibraryPath = info.LibraryPath,
        LibraryVersion = info.LibraryVersion,
        AbiVersion = info.AbiVersion.ToString(2),
        Isa = IsaName(info.Isa),
        IsaReason = info.IsaReason,
        SupportedIsas = [.. info.SupportedIsas.Select(IsaName)],
        Cpu = info.CpuName,
        LogicalCpus = info.LogicalCpus,
        PhysicalCores = info.PhysicalCores,
        PoolThreads = info.PoolThreads,
        CgroupVersion = info.CgroupVersion,
        CpuQuota = info.CpuQuota,
        L2Bytes = info.L2Bytes,
        L3Bytes = info.L3Bytes,
        Cuda = devices.Count == 0
            ? info.CudaReason
            : $"{devices.Count(device => device.IsUsable)} of {devices.Count} devices usable, driver {devices[0].DriverVersion}",
        CudaDevices = [.. devices.Select(CudaDeviceReport.Of)],
        Runtime = RuntimeInformation.FrameworkDescription,
    };

    // A driver that fails is a finding of its own, which RuntimeInfo.CudaReason tells: the rest of the machine is not.
    private static IReadOnlyList<CudaDeviceInfo> Devices()
    {
        try
        {
            return CudaDevice.List();
        }
        catch (DynamicMoEException)
        {
            return [];
        }
    }

    /// <summary>A level as DYNAMIC_MOE_ISA spells it.</summary>
    internal static string IsaName(InstructionSet isa) => isa.ToString().ToLowerInvariant();

    private static string Quota(DoctorReport report) => (report.CgroupVersion, report.CpuQuota) switch
    {
        (0, _) => "no cgroup found",
        (int version, null) => $"no limit (cgroup v{version})",
        (int version, double cores) => string.Create(CultureInfo.InvariantCulture, $"{cores:0.##} cores (cgroup v{version})"),
    };

    private static string Mebibytes(long bytes) =>
        bytes == 0 ? "unknown" : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.#} MiB");
}
