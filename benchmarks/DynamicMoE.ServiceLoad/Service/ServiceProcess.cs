using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using DynamicMoE.ServiceLoad.Http;

namespace DynamicMoE.ServiceLoad.Service;

/// <summary>A `dmoe serve` of our own; killed at the end if it still runs.</summary>
internal sealed class ServiceProcess : IDisposable
{
    private const int MostLogLines = 20_000;
    private static readonly TimeSpan s_startLimit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _log = [];
    private readonly ConcurrentDictionary<string, Uri> _addresses = [];
    private readonly TaskCompletionSource _listens = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServiceProcess(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Heard(line.Data);
        _process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not null && _log.Count < MostLogLines)
            {
                _log.Enqueue(line.Data);
            }
        };
        _process.Exited += (_, _) => _listens.TrySetException(new InvalidOperationException($"the service ended: {string.Join('\n', _log)}"));
    }

    public Uri Api => _addresses["api"];

    public Uri Health => _addresses["health"];

    public Uri Metrics => _addresses["metrics"];

    public int Id => _process.Id;

    /// <summary>From the start of the process to the first answer that it is ready.</summary>
    public TimeSpan ReadyAfter { get; private set; }

    public bool Runs => !_process.HasExited;

    public IEnumerable<string> Log => _log;

    /// <summary>Starts it and waits until it is ready.</summary>
    /// <param name="setup">Which one.</param>
    /// <param name="settingsFile">Its settings.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <param name="heapLimit">Bytes of the managed heap; null: what the runtime chooses.</param>
    public static async Task<ServiceProcess> StartAsync(Setup setup, string settingsFile, CancellationToken cancellation, long? heapLimit = null)
    {
        long begin = Stopwatch.GetTimestamp();
        var start = new ProcessStartInfo("dotnet", ["exec", setup.Server, "serve", "--config", settingsFile])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetDirectoryName(settingsFile)!,
        };
        // Settings are those of the file alone.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("DYNAMIC_MOE_", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        if (heapLimit is { } limit)
        {
            start.Environment["DOTNET_GCHeapHardLimit"] = limit.ToString("X", CultureInfo.InvariantCulture);
        }

        var service = new ServiceProcess(start);
        try
        {
            service._process.Start();
            service._process.BeginOutputReadLine();
            service._process.BeginErrorReadLine();
            await service._listens.Task.WaitAsync(s_startLimit, cancellation);
            await service.WaitUntilReadyAsync(cancellation);
            service.ReadyAfter = Stopwatch.GetElapsedTime(begin);
            return service;
        }
        catch
        {
            service.Dispose();
            throw;
        }
    }

    /// <summary>SIGTERM.</summary>
    public async Task TerminateAsync()
    {
        using var kill = Process.Start("/bin/sh", ["-c", $"kill -TERM {Id.ToString(CultureInfo.InvariantCulture)}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>SIGKILL.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Waits for its end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> WaitForExitAsync(TimeSpan most, CancellationToken cancellation)
    {
        await _process.WaitForExitAsync(cancellation).WaitAsync(most, cancellation);
        return _process.ExitCode;
    }

    /// <summary>Resident memory, bytes.</summary>
    public long ResidentBytes()
    {
        string line = File.ReadLines($"/proc/{Id}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.AsSpan(6, line.Length - 9).Trim(), CultureInfo.InvariantCulture);
    }

    /// <summary>Open descriptors by what they are.</summary>
    public IReadOnlyDictionary<string, int> DescriptorKinds() =>
        Directory.GetFileSystemEntries($"/proc/{Id}/fd").Select(Kind).CountBy(kind => kind).OrderBy(pair => pair.Key, StringComparer.Ordinal).ToDictionary();

    /// <summary>Asks over a connection of its own.</summary>
    public async Task<HttpReply> AskAsync(byte[] request, CancellationToken cancellation)
    {
        using Connection connection = await Connection.OpenAsync(Api, cancellation);
        return await connection.AskAsync(request, cancellation);
    }

    public void Dispose()
    {
        try
        {
            _process.Kill();
            _process.WaitForExit();
        }
        catch (InvalidOperationException)
        {
            // It was not started, or has ended.
        }

        _process.Dispose();
    }

    // socket:[1], pipe:[1], anon_inode:[eventpoll], /a/file; one that is closed meanwhile has no target.
    private static string Kind(string path)
    {
        string? target = new FileInfo(path).LinkTarget;
        return target is null ? "gone" : target.StartsWith('/') ? "file" : target.StartsWith("anon_inode:", StringComparison.Ordinal) ? target["anon_inode:".Length..].Trim('[', ']') : target.Split(':')[0];
    }

    private void Heard(string? line)
    {
        string[] words = line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        if (words.Length == 2)
        {
            _addresses[words[0]] = new Uri(words[1]);
        }

        if (words is ["metrics", _])
        {
            _listens.TrySetResult();
        }
    }

    private async Task WaitUntilReadyAsync(CancellationToken cancellation)
    {
        long begin = Stopwatch.GetTimestamp();
        while (true)
        {
            using Connection connection = await Connection.OpenAsync(Health, cancellation);
            if ((await connection.AskAsync(HttpText.Get("/healthz/ready"), cancellation)).Status == 200)
            {
                return;
            }

            if (Stopwatch.GetElapsedTime(begin) > s_startLimit)
            {
                throw new TimeoutException($"not ready after {s_startLimit}");
            }

            await Task.Delay(10, cancellation);
        }
    }
}
