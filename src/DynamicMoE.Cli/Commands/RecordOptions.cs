using System.CommandLine;
using DynamicMoE.Cli.Recording;

namespace DynamicMoE.Cli.Commands;

/// <summary>The options by which a command records and replays routing.</summary>
internal sealed class RecordOptions
{
    private readonly Option<string?> _record = SharedOptions.FilePath("--record", "Write the routing decisions of the run to this file.");
    private readonly Option<string?> _replay = SharedOptions.FilePath(
        "--replay", "Take the routing decisions from this file; with the same input the outputs have the bits of the recorded run.");
    private readonly Option<bool> _force = new("--force") { Description = "Replace the file of --record if there is one." };
    private readonly Option<bool> _anyMachine = new("--replay-anyway")
    {
        Description = "Only warn when the record belongs to another model, weight format, instruction set or processor vendor.",
    };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _record, _replay, _force, _anyMachine })
        {
            command.Options.Add(option);
        }

        command.Validators.Add(result =>
        {
            if (result.GetValue(_force) && result.GetResult(_record) is null)
            {
                result.AddError("--force needs --record");
            }
            else if (result.GetValue(_anyMachine) && result.GetResult(_replay) is null)
            {
                result.AddError("--replay-anyway needs --replay");
            }
        });
    }

    /// <summary>What was asked for.</summary>
    public RunFiles Parse(ParseResult parsed) =>
        new(parsed.GetValue(_record), parsed.GetValue(_replay), parsed.GetValue(_force), parsed.GetValue(_anyMachine));
}
