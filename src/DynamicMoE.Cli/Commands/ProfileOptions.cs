using System.CommandLine;
using DynamicMoE.Cli.Models;
using DynamicMoE.Cli.Profiling;

namespace DynamicMoE.Cli.Commands;

/// <summary>Options that profile and compare share.</summary>
internal sealed class ProfileOptions
{
    private readonly Option<string?> _model = SharedOptions.Model();

    private readonly Option<string?> _text = SharedOptions.FilePath(
        "--text", "UTF-8 file to run. Default: held-out reference documentation of the installed .NET SDK, else embedded text.");

    private readonly Option<WeightFormat?> _format = SharedOptions.Format(SharedOptions.LoadedFormat);
    private readonly Option<int> _threads = SharedOptions.Threads();
    private readonly ModelDeviceOptions _device = new();
    private readonly Option<int> _tokens = NumberOptions.Whole("--tokens", "Tokens of a batch.", 1, 4096, 32);
    private readonly Option<int>? _batches;
    private readonly Option<int> _repetitions;

    private readonly Option<bool> _noLimits = new("--no-limits")
    {
        Description = "Do not measure what the machine does at most, which takes two seconds; shares of it are left out. On a CUDA device they are never measured.",
    };

    /// <summary>Adds the options.</summary>
    /// <param name="command">Command.</param>
    /// <param name="repetitions">What --repetitions counts.</param>
    /// <param name="batches">Batches by default; null for one, without an option.</param>
    public ProfileOptions(Command command, string repetitions, int? batches)
    {
        _repetitions = NumberOptions.Whole("--repetitions", repetitions, 1, 100_000, 11);
        _batches = batches is { } count ? NumberOptions.Whole("--batches", "Batches of a pass.", 1, 4096, count) : null;
        foreach (Option? option in (Option?[])[_model, _text, _format, _threads, _tokens, _batches, _repetitions, _noLimits])
        {
            if (option is not null)
            {
                command.Add(option);
            }
        }

        _device.AddTo(command);
    }

    /// <summary>What is asked for.</summary>
    public ProfileRequest Request(ParseResult parsed) => new(
        new ModelChoice(parsed.GetValue(_model), parsed.GetValue(_format), parsed.GetValue(_threads)) { Device = _device.Read(parsed) },
        parsed.GetValue(_text),
        parsed.GetValue(_tokens),
        _batches is null ? 1 : parsed.GetValue(_batches),
        parsed.GetValue(_repetitions),
        !parsed.GetValue(_noLimits));
}
