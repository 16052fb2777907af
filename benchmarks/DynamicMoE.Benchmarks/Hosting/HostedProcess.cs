using System.Diagnostics;
using System.Globalization;

namespace DynamicMoE.Benchmarks.Hosting;

/// <summary>The serving process, and what it used of the processors.</summary>
internal sealed class HostedProcess : IDisposable
{
    // Clock ticks of /proc, the same on every Linux that .NET runs on.
    private const double TicksPerSecond = 100;

    private readonly Process _process;

    private HostedProcess(Process process, Uri address) => (_process, Address) = (process, address);

    public Uri Address { get; }

    /// <summary>Processor time of all its threads so far.</summary>
    public double CpuSeconds
    {
        get
        {
            string stat = File.ReadAllText($"/proc/{_process.Id}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
        }
    }

    public static HostedProcess Start(string shape, string format)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [.. Arguments(), "hosting", "--serve", "--shape", shape, "--format", format])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        Process process = Process.Start(start)!;
        string address = process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The serving process ended before it listened.");
        return new HostedProcess(process, new Uri(address));
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    // Started by `dotnet x.dll` or by its own host.
    private static string[] Arguments() =>
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [typeof(HostedProcess).Assembly.Location] : [];
}
