using System.CommandLine;
using DynamicMoE.Cli.Terminal;
using DynamicMoE.Server;

namespace DynamicMoE.Cli.Commands;

/// <summary><c>dmoe keys create</c>: a new key of the HTTP service.</summary>
internal static class KeysCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(ToolConsole console)
    {
        var name = new Option<string>("--name") { Description = "Whose key it is: 1..64 letters, digits, dots, dashes and underscores.", HelpName = "NAME", Required = true };
        var admin = new Option<bool>("--admin") { Description = "The key may change the service." };
        Option<int?> limit = NumberOptions.WholeOrNone("--limit", "Requests in any hour; 0 = no limit. Default: security.rate_limit.", 0, int.MaxValue);
        var create = new Command("create", "Makes a key and prints it, this once, with the line that admits it in security.api_keys_file.") { name, admin, limit };
        create.SetAction(parsed =>
        {
            string key = ApiKeyText.Create();
            string line;
            try
            {
                line = ApiKeyText.Line(parsed.GetValue(name)!, key, parsed.GetValue(admin), parsed.GetValue(limit));
            }
            catch (ArgumentException)
            {
                throw new ToolException($"--name '{parsed.GetValue(name)}' is not of 1..64 letters, digits, dots, dashes and underscores");
            }

            console.Out.WriteLine($"key   {key}");
            console.Out.WriteLine($"line  {line}");
            return ExitCodes.Ok;
        });
        return new Command("keys", "Makes keys of the HTTP service.") { create };
    }
}
