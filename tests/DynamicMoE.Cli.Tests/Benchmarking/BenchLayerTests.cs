using System.Runtime.Versioning;
using System.Text.Json;
using DynamicMoE.Cli.Benchmarking;
using DynamicMoE.TestKit.Checkpoints;
using Xunit;

namespace DynamicMoE.Cli.Tests.Benchmarking;

[UnsupportedOSPlatform("windows")]
public sealed class BenchLayerTests
{
    private const string Tiny = "bench layer --hidden 40 --width 24 --experts 5 --k 2 --tokens 3 --format q8 --threads 1";

    [Fact]
    public async Task Layer_WhenMeasuredAlone_WritesTheNamesOfItsFigures()
    {
        ToolRun run = await ToolRun.Of($"{Tiny} --json".Split(' '));

        Assert.Equal((ExitCodes.Ok, ""), (run.ExitCode, run.Error));
        using JsonDocument json = JsonDocument.Parse(run.Out);
        Assert.Equal(
            [
                "shape", "hidden", "width", "experts", "experts_per_token", "tokens", "format", "threads", "distinct_experts", "expert_bytes", "milliseconds",
                "fastest_milliseconds", "repetitions", "gflops", "gb_per_s", "floor_milliseconds", "share_of_limit", "byte_share", "binds", "limits",
                "ratio_to_fastest_peer", "peers", "refused", "relative_error", "load", "machine",
            ],
            json.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(("40/24/5/2", 3, "q8", 1), (Text(json, "shape"), Whole(json, "tokens"), Text(json, "format"), Whole(json, "threads")));
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("ratio_to_fastest_peer").ValueKind);
        Assert.True(json.RootElement.GetProperty("milliseconds").GetDouble() > 0);
        Assert.True(json.RootElement.GetProperty("share_of_limit").GetDouble() > 0);
    }

    [Theory]
    [InlineData("--k 9", "--k 9 exceeds the 5 experts of the shape")]
    [InlineData("--peers --peers-path /nowhere/DynamicMoE.Peers.dll", "--peers-path '/nowhere/DynamicMoE.Peers.dll' is not a file")]
    public async Task Layer_WhenItCannotBeMeasured_SaysWhy(string arguments, string message) =>
        (await ToolRun.Of($"bench layer --experts 5 --k 2 {arguments}".Replace("--k 2 --k", "--k", StringComparison.Ordinal).Split(' '))).RequireFailure(ExitCodes.Failure, message);

    [Fact]
    public void Find_WhenNoRepositoryIsAround_SaysHowToGetTheProgram()
    {
        using var folder = new TemporaryDirectory();

        var error = Assert.Throws<ToolException>(() => PeersProgram.Find(null, folder.Path));

        Assert.Contains("run ./build.sh --target=Peers in a clone of the repository", error.Message, StringComparison.Ordinal);
        Assert.Contains("--peers-path", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_WhenARepositoryIsAround_TakesItsBuild()
    {
        using var folder = new TemporaryDirectory();
        string built = Path.Combine(folder.Path, "benchmarks/DynamicMoE.Peers/bin/Release/net10.0/linux-x64/DynamicMoE.Peers.dll");
        Directory.CreateDirectory(Path.GetDirectoryName(built)!);
        File.WriteAllText(built, "");
        string start = Path.Combine(folder.Path, "src/DynamicMoE.Cli/bin");
        Directory.CreateDirectory(start);

        Assert.Equal(built, PeersProgram.Find(null, start));
    }

    [Fact]
    public async Task Layer_WhenAProgramMeasuresPeers_ShowsItsFigures()
    {
        using var folder = new TemporaryDirectory();
        string program = Program(folder, $"cp {folder["cells.json"]} \"$last\"");
        File.WriteAllText(folder["cells.json"], Cells);

        ToolRun run = await ToolRun.Of($"{Tiny} --seed 7 --peers --peers-path {program} --json".Split(' '));

        Assert.Equal((ExitCodes.Ok, ""), (run.ExitCode, run.Error));
        using JsonDocument json = JsonDocument.Parse(run.Out);
        JsonElement peer = Assert.Single(json.RootElement.GetProperty("peers").EnumerateArray());
        Assert.Equal(("onnxruntime", 3.0, 1.5), (peer.GetProperty("name").GetString(), peer.GetProperty("milliseconds").GetDouble(), peer.GetProperty("ratio").GetDouble()));
        Assert.Equal(1.5, json.RootElement.GetProperty("ratio_to_fastest_peer").GetDouble());
        Assert.Equal("a cpu", json.RootElement.GetProperty("machine").GetProperty("cpu").GetString());
        Assert.StartsWith(
            "--hidden 40 --width 24 --experts 5 --k 2 --format q8 --tokens 3 --threads 1 --repetitions 11 --seconds 3 --attempts 1 --seed 7 --out ",
            File.ReadAllText(folder["arguments"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Layer_WhenTheProgramFails_RepeatsItsLastWords()
    {
        using var folder = new TemporaryDirectory();
        string program = Program(folder, "echo first >&2; echo the last words >&2; exit 3");

        (await ToolRun.Of($"{Tiny} --peers --peers-path {program}".Split(' '))).RequireFailure(
            ExitCodes.Failure, $"{program} ended with exit code 3 and said: the last words");
    }

    [Fact]
    public async Task Layer_WhenTheProgramWritesNoCell_SaysSo()
    {
        using var folder = new TemporaryDirectory();
        string program = Program(folder, "true");

        ToolRun run = await ToolRun.Of($"{Tiny} --peers --peers-path {program}".Split(' '));

        Assert.Equal((ExitCodes.Failure, ""), (run.ExitCode, run.Out));
        Assert.StartsWith($"dmoe: {program} wrote no readable result: ", run.Error, StringComparison.Ordinal);
    }

    // A script in place of the program: keeps its arguments and knows the last one, the file of results.
    private static string Program(TemporaryDirectory folder, string body)
    {
        string path = folder["peers.sh"];
        File.WriteAllText(path, $"#!/bin/sh\necho \"$@\" > {folder["arguments"]}\nfor last; do :; done\n{body}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }

    private static string? Text(JsonDocument json, string name) => json.RootElement.GetProperty(name).GetString();

    private static int Whole(JsonDocument json, string name) => json.RootElement.GetProperty(name).GetInt32();

    private const string Cells = """
        {
          "machine": { "cpu": "a cpu", "logical_cpus": 2, "isa": "avx2", "l3_bytes": 1, "library_version": "0.1.0" },
          "versions": { "onnxruntime": "1.31.1" },
          "cells": [{
            "shape": "40/24/5/2", "hidden": 40, "width": 24, "experts": 5, "experts_per_token": 2, "tokens": 3, "format": "q8", "threads": 1,
            "distinct_experts": 4, "expert_bytes": 100, "milliseconds": 2, "fastest_milliseconds": 1, "repetitions": 11, "gflops": 1, "gb_per_s": 1,
            "floor_milliseconds": 1, "share_of_limit": 0.5, "byte_share": 0, "binds": "flops",
            "limits": { "threads": 1, "float32_flops": 1, "bfloat16_flops": 1, "int8_ops": 1, "read_bytes_per_second": 1 },
            "ratio_to_fastest_peer": 1.5,
            "peers": [{ "name": "onnxruntime", "milliseconds": 3, "fastest_milliseconds": 2, "ratio": 1.5, "relative_error": 0.01 }],
            "refused": [], "relative_error": 0.01, "load": 1
          }],
          "bars": []
        }
        """;
}
