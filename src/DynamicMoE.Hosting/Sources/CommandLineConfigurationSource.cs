using Microsoft.Extensions.Configuration;

namespace DynamicMoE.Hosting;

/// <summary>Settings as <c>key=value</c>, such as <c>router.min_experts=2</c> or <c>benchmarking.batch_sizes=1,8</c>. Of two for one key the later wins; nothing behind
/// the equals sign leaves a key unset that may be unset.</summary>
public sealed class CommandLineConfigurationSource : IConfigurationSource
{
    /// <summary>The assignments.</summary>
    /// <value>The default is none.</value>
    public IReadOnlyList<string> Assignments { get; set; } = [];

    /// <inheritdoc/>
    public IConfigurationProvider Build(IConfigurationBuilder builder) => new CommandLineConfigurationProvider(Assignments);
}

/// <summary>What <see cref="CommandLineConfigurationSource"/> says.</summary>
internal sealed class CommandLineConfigurationProvider(IReadOnlyList<string> assignments) : ConfigurationProvider, ISettingProvider
{
    private static readonly SettingSource Place = new(SettingSourceKind.CommandLine);

    public SettingLayer Layer { get; private set; } = new([], []);

    public override void Load()
    {
        Layer = Read(assignments);
        Data.Clear();
        foreach (SettingEntry entry in Layer.Entries)
        {
            Data[entry.Key.ConfigurationPath] = entry.Flat;
        }
    }

    public override string ToString() => "command line";

    private static SettingLayer Read(IReadOnlyList<string> assignments)
    {
        List<SettingEntry> entries = [];
        List<SettingProblem> problems = [];
        foreach (string assignment in assignments)
        {
            int equals = assignment.IndexOf('=', StringComparison.Ordinal);
            string path = equals < 0 ? assignment : assignment[..equals];
            if (equals < 0)
            {
                problems.Add(new SettingProblem(Place, null, null, null, $"{Printable.Quote(assignment)} is not of the form key=value"));
            }
            else if (SettingKeys.IsSection(path))
            {
                problems.Add(new SettingProblem(Place, path, null, null, $"{path} is a group of keys, not a value"));
            }
            else if (SettingKeys.Find(path) is not { } key)
            {
                string hint = SettingKeys.Nearest(path) is { } near ? $"; did you mean {near}?" : "";
                problems.Add(new SettingProblem(Place, Printable.Text(path), null, null, $"{Printable.Text(path)} is not a known key{hint}"));
            }
            else
            {
                string value = assignment[(equals + 1)..];
                entries.Add(new SettingEntry(key, value.Length == 0 && key != SettingKeys.AlertWebhook ? null : value, Place));
            }
        }

        return new SettingLayer(entries, problems);
    }
}
