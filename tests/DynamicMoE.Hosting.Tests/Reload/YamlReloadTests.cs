using DynamicMoE.TestKit.Checkpoints;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Time.Testing;

namespace DynamicMoE.Hosting.Tests.Reload;

/// <summary>A file that changes under its provider, with a clock that the test moves.</summary>
public sealed class YamlReloadTests : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly TemporaryDirectory _directory = new();
    private readonly FakeTimeProvider _clock = new();
    private int _reloads;

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Provider_WhenTheFileChanges_TakesItOnceItWasSeenTwice()
    {
        using ConfigurationRoot root = Open("router: {tau: 0.5}");
        Write("router: {tau: 0.25}");

        _clock.Advance(Interval);
        Assert.Equal((0, "0.5"), (_reloads, root["router:tau"]));

        _clock.Advance(Interval);
        Assert.Equal((1, "0.25"), (_reloads, root["router:tau"]));

        _clock.Advance(Interval * 10);
        Assert.Equal(1, _reloads);
    }

    [Fact]
    public void Provider_WhenTheFileIsStillBeingWritten_Waits()
    {
        using ConfigurationRoot root = Open("router: {tau: 0.5}");
        foreach (string part in (string[])["", "router:", "router: {tau: 0", "router: {tau: 0.25}"])
        {
            Write(part);
            _clock.Advance(Interval);
        }

        Assert.Equal((0, "0.5"), (_reloads, root["router:tau"]));
        _clock.Advance(Interval);
        Assert.Equal((1, "0.25"), (_reloads, root["router:tau"]));
    }

    [Fact]
    public void Provider_WhenTheFileIsWrittenBackInBetween_DoesNothing()
    {
        using ConfigurationRoot root = Open("router: {tau: 0.5}");
        foreach (string text in (string[])["router: {tau: 0.25}", "router: {tau: 0.5}", "router: {tau: 0.25}", "router: {tau: 0.5}"])
        {
            Write(text);
            _clock.Advance(Interval);
        }

        Assert.Equal(0, _reloads);
    }

    // As volumes of a cluster are updated: the file is a link through a link, and the inner one is replaced.
    [Fact]
    public void Provider_WhenALinkOnTheWayIsReplaced_TakesTheNewFile()
    {
        Directory.CreateDirectory(_directory["one"]);
        Directory.CreateDirectory(_directory["two"]);
        File.WriteAllText(_directory["one/config.yaml"], "router: {tau: 0.5}");
        File.WriteAllText(_directory["two/config.yaml"], "router: {tau: 0.25}");
        File.CreateSymbolicLink(_directory["data"], _directory["one"]);
        File.CreateSymbolicLink(_directory["config.yaml"], _directory["data/config.yaml"]);
        using ConfigurationRoot root = Open(null);

        Directory.Delete(_directory["data"]);
        File.CreateSymbolicLink(_directory["data"], _directory["two"]);
        _clock.Advance(Interval);
        _clock.Advance(Interval);

        Assert.Equal("0.25", root["router:tau"]);
    }

    [Theory]
    [InlineData("router: {tau: 0.25")]
    [InlineData("router: {ta: 0.25}")]
    [InlineData(null)]
    public void Provider_WhenTheChangedFileCannotBeRead_KeepsItsValuesAndTellsWhy(string? text)
    {
        using ConfigurationRoot root = Open("router: {tau: 0.5}");
        Write(text);
        _clock.Advance(Interval);
        _clock.Advance(Interval);

        Assert.Equal((1, "0.5"), (_reloads, root["router:tau"]));
        Assert.Single(Assert.Throws<SettingsException>(() => DynamicMoESettings.Read(root)).Problems);

        Write("router: {tau: 0.75}");
        _clock.Advance(Interval);
        _clock.Advance(Interval);
        Assert.Equal(0.75f, DynamicMoESettings.Read(root).Router.Tau);
    }

    [Fact]
    public void Provider_WhenItIsDisposed_LooksNoMore()
    {
        ConfigurationRoot root = Open("router: {tau: 0.5}");
        root.Dispose();
        Write("router: {tau: 0.25}");
        _clock.Advance(Interval);
        _clock.Advance(Interval);

        Assert.Equal(0, _reloads);
    }

    [Fact]
    public void Provider_WhenThereIsNoInterval_ReadsOnce()
    {
        IConfigurationRoot root = new ConfigurationBuilder().AddDynamicMoEYaml(Write("router: {tau: 0.5}")).AddDynamicMoEEnvironment().Build();
        Write("router: {tau: 0.25}");

        Assert.Equal(0.5f, DynamicMoESettings.Read(root).Router.Tau);
        root.Reload();
        Assert.Equal(0.25f, DynamicMoESettings.Read(root).Router.Tau);
    }

    [Theory]
    [InlineData("missing.yaml", false, "the file does not exist")]
    [InlineData("no/such/folder.yaml", false, "the file does not exist")]
    [InlineData("missing.yaml", true, null)]
    [InlineData(".", false, "this is a folder, a file is needed")]
    [InlineData("a\0b", true, "the file cannot be read: Null character in path. (Parameter 'path')")]
    public void Provider_WhenThereIsNoFile_TellsItWhereSettingsAreRead(string name, bool optional, string? problem)
    {
        string path = Path.Combine(_directory.Path, name);
        IConfigurationRoot root = new ConfigurationBuilder().AddDynamicMoEYaml(path, optional).Build();

        if (problem is null)
            Assert.Null(DynamicMoESettings.Read(root).Router.InputDim);
        else
            Assert.Equal($"{path}: {problem}", Assert.Throws<SettingsException>(() => DynamicMoESettings.Read(root)).Message);
    }

    [Fact]
    public void Provider_WhenTheFileNeverEnds_ReadsSoMuchAndNoMore()
    {
        IConfigurationRoot root = new ConfigurationBuilder().AddDynamicMoEYaml("/dev/zero").Build();

        Assert.Equal("/dev/zero: the file has more than 1048576 bytes", Assert.Throws<SettingsException>(() => DynamicMoESettings.Read(root)).Message);
    }

    [Fact]
    public void Source_WhenItsOptionsAreWrong_IsRefused()
    {
        var builder = new ConfigurationBuilder();

        Assert.Throws<RouterConfigurationException>(() => new YamlConfigurationSource { ReloadInterval = TimeSpan.Zero }.Build(builder));
        Assert.Throws<RouterConfigurationException>(() => new YamlConfigurationSource { ReloadInterval = TimeSpan.FromDays(2) }.Build(builder));
        Assert.Throws<RouterConfigurationException>(() => new YamlConfigurationSource { Path = "" }.Build(builder));
    }

    private ConfigurationRoot Open(string? text)
    {
        if (text is not null)
            Write(text);
        var builder = new ConfigurationBuilder();
        builder.Add(new YamlConfigurationSource { Path = _directory["config.yaml"], ReloadInterval = Interval, TimeProvider = _clock });
        builder.AddDynamicMoEEnvironment();
        var root = (ConfigurationRoot)builder.Build();
        Microsoft.Extensions.Primitives.ChangeToken.OnChange(root.GetReloadToken, () => _reloads++);
        return root;
    }

    private string Write(string? text)
    {
        string path = _directory["config.yaml"];
        if (text is null)
            File.Delete(path);
        else
            File.WriteAllText(path, text);
        return path;
    }
}
