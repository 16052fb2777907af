using DynamicMoE.TestKit.Checkpoints;

namespace DynamicMoE.Models.Tests.Packing;

/// <summary>The writer of packed files: what ends it, and that nothing is left then.</summary>
public sealed class PackedWriterTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Target => _directory["model.dmoe"];

    [Fact]
    public void Add_WhenCancelledWithinASection_RemovesTheFile()
    {
        using var source = new CancellationTokenSource();
        using var writer = new PackedWriter(Target, 1, overwrite: false, source.Token);

        Assert.Throws<OperationCanceledException>(() => writer.Add("a", stream =>
        {
            stream.Write([1, 2, 3]);
            Assert.Single(Files());
            source.Cancel();
            stream.Write([4]);
        }));

        Assert.Empty(Files());
    }

    [Fact]
    public void Add_WhenASectionFails_EndsTheWriter()
    {
        using var writer = new PackedWriter(Target, 2, overwrite: false);
        writer.Add("a", stream => stream.Write([1]));

        Assert.Throws<InvalidDataException>(() => writer.Add("b", _ => throw new InvalidDataException()));

        Assert.Empty(Files());
        Assert.Throws<InvalidOperationException>(() => writer.Add("b", stream => stream.Write([1])));
        Assert.Throws<InvalidOperationException>(() => writer.Finish(WeightFormat.Q8));
    }

    [Fact]
    public void Add_WhenNothingIsWritten_NamesTheSection()
    {
        using var writer = new PackedWriter(Target, 1, overwrite: false);

        var e = Assert.Throws<InvalidOperationException>(() => writer.Add("a", _ => { }));

        Assert.Equal("section 'a' is empty.", e.Message);
        Assert.Empty(Files());
    }

    [Fact]
    public void Finish_WhenSectionsDifferFromTheAnnouncedOnes_SaysBothNumbers()
    {
        using var writer = new PackedWriter(Target, 2, overwrite: false);
        writer.Add("a", stream => stream.Write([1]));

        var missing = Assert.Throws<InvalidOperationException>(() => writer.Finish(WeightFormat.Q8));
        writer.Add("b", stream => stream.Write([1]));
        var more = Assert.Throws<InvalidOperationException>(() => writer.Add("c", stream => stream.Write([1])));

        Assert.Equal("2 sections were announced, 1 were added.", missing.Message);
        Assert.Equal("2 sections were announced, 'c' is one more.", more.Message);
        writer.Finish(WeightFormat.Q8);
        Assert.Equal([Target], Files());
    }

    [Fact]
    public void Finish_WhenCancelled_RemovesTheFile()
    {
        using var source = new CancellationTokenSource();
        using (var writer = new PackedWriter(Target, 1, overwrite: false, source.Token))
        {
            writer.Add("a", stream => stream.Write([1]));
            source.Cancel();

            Assert.Throws<OperationCanceledException>(() => writer.Finish(WeightFormat.Q8));
        }

        Assert.Empty(Files());
    }

    [Fact]
    public void Finish_WhenThePathWasTakenMeanwhile_LeavesThatAlone()
    {
        var writer = new PackedWriter(Target, 1, overwrite: false);
        writer.Add("a", stream => stream.Write([1]));
        File.WriteAllText(Target, "mine");

        Assert.Throws<IOException>(() => writer.Finish(WeightFormat.Q8));
        writer.Dispose();
        writer.Dispose();

        Assert.Equal([Target], Files());
        Assert.Equal("mine", File.ReadAllText(Target));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(65537)]
    public void Constructor_WhenTheSectionsAreOutOfRange_WritesNothing(int sections)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new PackedWriter(Target, sections, overwrite: false));

        Assert.Empty(Files());
    }

    public void Dispose() => _directory.Dispose();

    private string[] Files() => Directory.GetFiles(_directory.Path);
}
