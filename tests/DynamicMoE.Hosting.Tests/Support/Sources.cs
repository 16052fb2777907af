using System.Text;
using Microsoft.Extensions.Configuration;

namespace DynamicMoE.Hosting.Tests;

/// <summary>Settings from texts, without files and without the environment of the test process.</summary>
internal sealed class Sources
{
    public const string File = "config.yaml";

    public string? Yaml { get; init; }

    public Dictionary<string, string> Variables { get; init; } = [];

    public string[] Assignments { get; init; } = [];

    public static DynamicMoESettings Read(string yaml) => new Sources { Yaml = yaml }.Read();

    /// <summary>Messages of what is wrong with a file.</summary>
    public static string[] ProblemsOf(string yaml) => new Sources { Yaml = yaml }.Problems();

    public IConfigurationRoot Build()
    {
        var builder = new ConfigurationBuilder();
        if (Yaml is not null)
        {
            builder.Add(new YamlBytesSource(Encoding.UTF8.GetBytes(Yaml)));
        }

        builder.Add(new EnvironmentConfigurationSource { Variables = Variables });
        builder.AddDynamicMoECommandLine(Assignments);
        return builder.Build();
    }

    public DynamicMoESettings Read() => DynamicMoESettings.Read(Build());

    public string[] Problems() => [.. Assert.Throws<SettingsException>(Read).Problems.Select(problem => problem.ToString())];
}

/// <summary>YAML whose bytes a test sets. A reload takes them.</summary>
internal sealed class YamlBytesSource(byte[] bytes) : ConfigurationProvider, IConfigurationSource, ISettingProvider
{
    public SettingLayer Layer { get; private set; } = new([], []);

    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    public override void Load() => Layer = YamlReader.Read(bytes, Sources.File);

    public void Replace(byte[] content)
    {
        bytes = content;
        Load();
        OnReload();
    }

    public void Replace(string content) => Replace(Encoding.UTF8.GetBytes(content));
}
