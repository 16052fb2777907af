using System.CommandLine;
using DynamicMoE.Cli.Sweep;

namespace DynamicMoE.Cli.Commands;

/// <summary>What <c>dmoe eval --sweep</c> has beside the options of eval.</summary>
internal sealed class SweepOptions
{
    /// <summary>Bytes of text over which the windows are spread by default: more than the SDK's held-out documentation has.</summary>
    public const int DefaultBytes = 1 << 20;

    // They concern one run of one row, or another start of it.
    private static readonly string[] PlainOnly = ["--row", "--calibration", "--record", "--replay"];

    private readonly Option<bool> _sweep = new("--sweep")
    {
        Description = "Compare every signal at every budget instead: bits per byte over mean experts per token, paired over windows.",
    };

    private readonly Option<string?> _folder = new("--out") { Description = "With --sweep: folder for routing.md, routing.json and routing.png.", HelpName = "DIR" };

    private readonly Option<Weighting?> _weighting = new("--weighting")
    {
        Description = "With --sweep: how the dynamic rows weigh experts. Default: the checkpoint's own.",
        HelpName = string.Join('|', WeightingNames.All),
        CustomParser = result =>
        {
            string value = result.Tokens[0].Value;
            Weighting? weighting = WeightingNames.Find(value);
            if (weighting is null)
            {
                result.AddError($"--weighting '{value}' is not one of {string.Join(", ", WeightingNames.All)}");
            }

            return weighting;
        },
    };

    private readonly Option<int> _window = NumberOptions.Whole("--window", "With --sweep: tokens per window.", 2, 512, 256);

    private readonly Option<int> _windows = NumberOptions.Whole("--windows", "With --sweep: windows that are scored, at most.", 2, 100_000, 200);

    /// <summary>Adds the options and their rules.</summary>
    public void AddTo(Command command)
    {
        Option[] needSweep = [_folder, _weighting, _windows, _window];
        command.Options.Add(_sweep);
        foreach (Option option in needSweep)
        {
            command.Options.Add(option);
        }

        _folder.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value.Length: 0 }])
            {
                result.AddError("--out is empty, the path of a folder is needed");
            }
        });
        command.Validators.Add(result =>
        {
            Option? given = Array.Find(needSweep, option => result.GetResult(option) is { Implicit: false });
            if (given is not null && !result.GetValue(_sweep))
            {
                result.AddError($"{given.Name} needs --sweep");
            }

            Option? other = command.Options.FirstOrDefault(option => PlainOnly.Contains(option.Name) && result.GetResult(option) is { Implicit: false });
            if (other is not null && result.GetValue(_sweep))
            {
                result.AddError($"--sweep takes no {other.Name}");
            }
        });
    }

    /// <summary>Whether a sweep is asked for.</summary>
    public bool Asked(ParseResult parsed) => parsed.GetValue(_sweep);

    /// <summary>Folder of the report; null = none.</summary>
    public string? Folder(ParseResult parsed) => parsed.GetValue(_folder);

    /// <summary>What is asked for.</summary>
    /// <param name="parsed">Command line.</param>
    /// <param name="budgets">Given budgets; null = none.</param>
    public SweepRequest Request(ParseResult parsed, double[]? budgets) =>
        new(budgets, parsed.GetValue(_weighting), parsed.GetValue(_windows), parsed.GetValue(_window));
}
