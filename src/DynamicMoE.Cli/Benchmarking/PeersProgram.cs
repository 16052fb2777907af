using System.Diagnostics;
using System.Text.Json;
using DynamicMoE.Cli.Models;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Benchmarking;

/// <summary>
/// The program that times the layer beside other implementations. It comes with the repository, not with the tool: it carries libtorch and
/// ONNX Runtime.
/// </summary>
internal static class PeersProgram
{
    private const string Assembly = "DynamicMoE.Peers.dll";

    // Of all repetitions: a user waits for this cell, weights and checks take as long again.
    private const int CellSeconds = 3;

    // Where a build of the repository puts it, seen from the repository's root.
    private static readonly string BuiltPath = Path.Combine("benchmarks", "DynamicMoE.Peers", "bin", "Release", "net10.0", "linux-x64", Assembly);

    /// <summary>The program that was named, or else the one built in a repository around <paramref name="start"/>.</summary>
    /// <exception cref="ToolException">There is none.</exception>
    public static string Find(string? named, string start)
    {
        if (named is not null)
        {
            return File.Exists(named) ? named : throw new ToolException($"--peers-path '{named}' is not a file");
        }

        for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
        {
            string path = Path.Combine(folder.FullName, BuiltPath);
            if (File.Exists(path))
            {
                return path;
            }
        }

        throw new ToolException(
            $"--peers needs {Assembly}, which is not part of the tool: run ./build.sh --target=Peers in a clone of the repository and start the "
            + $"tool built there, or give the file as --peers-path; no folder above {start} holds {BuiltPath}");
    }

    /// <summary>Measures one cell.</summary>
    /// <exception cref="ToolException">The program failed, or wrote something else than a cell.</exception>
    public static async Task<LayerCell> RunAsync(string program, LayerRequest request, CancellationToken cancel)
    {
        string result = Path.GetTempFileName();
        try
        {
            await StartAsync(program, [.. Arguments(request), "--out", result], cancel).ConfigureAwait(false);
            return Read(await File.ReadAllTextAsync(result, cancel).ConfigureAwait(false), program);
        }
        finally
        {
            File.Delete(result);
        }
    }

    private static IEnumerable<string> Arguments(LayerRequest request)
    {
        LayerShape shape = request.Shape;
        IEnumerable<string> named = LayerShape.All.Contains(shape)
            ? ["--shape", shape.Name]
            : ["--hidden", $"{shape.Hidden}", "--width", $"{shape.Width}", "--experts", $"{shape.Experts}", "--k", $"{shape.ExpertsPerToken}"];
        return
        [
            .. named,
            "--format", WeightFormats.Name(request.Format),
            "--tokens", $"{request.Tokens}",
            "--threads", $"{request.Threads}",
            "--repetitions", $"{request.Repetitions}",
            "--seconds", $"{CellSeconds}",
            "--attempts", "1",
            "--seed", $"{request.Seed}",
        ];
    }

    private static async Task StartAsync(string program, IReadOnlyList<string> arguments, CancellationToken cancel)
    {
        bool managed = Path.GetExtension(program) == ".dll";
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(managed ? "dotnet" : program, managed ? [program, .. arguments] : arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        process.Start();
        using CancellationTokenRegistration stop = cancel.Register(() => process.Kill(entireProcessTree: true));
        Task<string> output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        string errors = await process.StandardError.ReadToEndAsync(CancellationToken.None).ConfigureAwait(false);
        await output.ConfigureAwait(false);
        await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        cancel.ThrowIfCancellationRequested();
        if (process.ExitCode != 0)
        {
            string last = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).LastOrDefault("nothing");
            throw new ToolException($"{program} ended with exit code {process.ExitCode} and said: {last}");
        }
    }

    private static LayerCell Read(string json, string program)
    {
        try
        {
            PeersCells? report = JsonSerializer.Deserialize(json, ToolJson.Default.PeersCells);
            return report is { Cells: [LayerCell cell] }
                ? cell with { Machine = report.Machine }
                : throw new ToolException($"{program} wrote {report?.Cells.Count ?? 0} cells, 1 is expected");
        }
        catch (JsonException error)
        {
            throw new ToolException($"{program} wrote no readable result: {error.Message}");
        }
    }
}

/// <summary>What the tool reads of the program's result.</summary>
/// <param name="Machine">Where it ran.</param>
/// <param name="Cells">What it measured.</param>
internal sealed record PeersCells(BenchMachine Machine, IReadOnlyList<LayerCell> Cells);
