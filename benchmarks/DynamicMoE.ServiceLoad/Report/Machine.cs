using System.Globalization;
using System.Runtime.InteropServices;

namespace DynamicMoE.ServiceLoad.Report;

/// <summary>Where figures were measured.</summary>
internal static class Machine
{
    public static string Describe()
    {
        string processor = Line("/proc/cpuinfo", "model name"), memory = Line("/proc/meminfo", "MemTotal").Replace(" kB", "", StringComparison.Ordinal);
        double gigabytes = double.Parse(memory, CultureInfo.InvariantCulture) / (1 << 20);
        string load = File.ReadAllText("/proc/loadavg").Split(' ')[0];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{processor}, {Environment.ProcessorCount} logical processors, {gigabytes:0} GiB, {RuntimeInformation.FrameworkDescription}. Load average {load} at the end, this program included.");
    }

    private static string Line(string file, string name) =>
        File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "0";
}
