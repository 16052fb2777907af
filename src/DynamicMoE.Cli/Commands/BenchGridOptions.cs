using System.CommandLine;
using DynamicMoE.Cli.Configuration;
using DynamicMoE.Hosting;

namespace DynamicMoE.Cli.Commands;

/// <summary>What the benchmarks of routing run: options, else the file of settings, else the defaults.</summary>
internal sealed class BenchGridOptions
{
    private const int MostTokens = 1 << 24, LargestSize = 1 << 20, MostExperts = 4096, MostRuns = 10_000_000;

    private readonly Option<string?> _config = SharedOptions.FilePath(
        "--config", "YAML file of settings: its benchmarking section stands in place of the defaults, its output_dir in place of --out.");

    private readonly Option<int> _runs = NumberOptions.Whole("--runs", "Timed calls, or requests.", 1, MostRuns, 100);
    private readonly Option<int> _warmup = NumberOptions.Whole("--warmup", "Calls before them.", 0, MostRuns, 10);
    private readonly Option<int[]> _batches = List("--batch-sizes", "Sequences of a call.", MostTokens, BenchmarkConfig.DefaultBatchSizes);
    private readonly Option<int[]> _lengths = List("--sequence-lengths", "Tokens of a sequence.", MostTokens, BenchmarkConfig.DefaultSequenceLengths);
    private readonly Option<int[]> _dims = List("--hidden-dims", "Hidden sizes.", LargestSize, BenchmarkConfig.DefaultHiddenDims);
    private readonly Option<int[]> _experts = List("--experts", "Numbers of experts.", MostExperts, BenchmarkConfig.DefaultNumExperts);
    private readonly Option<int[]> _fewest = List("--min-experts", "Fewest experts per token.", MostExperts, BenchmarkConfig.DefaultMinExperts);
    private readonly Option<int[]> _most = List("--max-experts", "Most experts per token.", MostExperts, BenchmarkConfig.DefaultMaxExperts);

    /// <summary>Adds the options.</summary>
    public BenchGridOptions(Command command)
    {
        foreach (Option option in (Option[])[_config, _runs, _warmup, _batches, _lengths, _dims, _experts, _fewest, _most])
        {
            command.Add(option);
        }
    }

    /// <summary>The settings, or null without --config.</summary>
    /// <exception cref="SettingsException">They are not valid.</exception>
    public DynamicMoESettings? Settings(ParseResult parsed) =>
        parsed.GetValue(_config) is { } file ? new ConfigRequest(file, null, []).Read() : null;

    /// <summary>What is run. Lists that a file leaves to the router are those of its router section, where that says.</summary>
    public BenchmarkConfig Config(ParseResult parsed, string name, DynamicMoESettings? settings)
    {
        BenchmarkingSettings? file = settings?.Benchmarking;
        RouterSettings? router = settings?.Router;
        return new BenchmarkConfig
        {
            Name = name,
            NumRuns = Number(parsed, _runs, file?.NumRuns),
            WarmupRuns = Number(parsed, _warmup, file?.WarmupRuns),
            BatchSizes = NumberOptions.Given(parsed, _batches) ?? file?.BatchSizes,
            SequenceLengths = NumberOptions.Given(parsed, _lengths) ?? file?.SequenceLengths,
            HiddenDims = NumberOptions.Given(parsed, _dims) ?? file?.HiddenDims ?? One(router?.InputDim),
            NumExpertsList = NumberOptions.Given(parsed, _experts) ?? file?.NumExpertsList ?? One(router?.NumExperts),
            MinExpertsList = NumberOptions.Given(parsed, _fewest) ?? file?.MinExpertsList ?? One(router?.MinExperts),
            MaxExpertsList = NumberOptions.Given(parsed, _most) ?? file?.MaxExpertsList ?? One(router?.MaxExperts ?? router?.NumExperts),
        };
    }

    private static IReadOnlyList<int>? One(int? value) => value is { } number ? [number] : null;

    private static int Number(ParseResult parsed, Option<int> option, int? file) =>
        parsed.GetResult(option) is null or { Implicit: true } && file is { } value ? value : parsed.GetValue(option);

    private static Option<int[]> List(string name, string description, int maximum, IReadOnlyList<int> values) =>
        NumberOptions.Wholes(name, $"{description} Default: {string.Join(',', values)}.", 1, maximum);
}
