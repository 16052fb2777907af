using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Files;

namespace DynamicMoE.Tests.Runtime;

public sealed class MappedFileTests : IDisposable
{
    private static readonly byte[] Content = [.. Enumerable.Range(0, 10_000).Select(i => (byte)(i * 7))];

    private readonly TemporaryDirectory _directory = new();

    public MappedFileTests() => File.WriteAllBytes(Path, Content);

    private string Path => _directory["file"];

    [Theory]
    [InlineData(0, 10_000)]
    [InlineData(4095, 3)]
    [InlineData(9_999, 1)]
    [InlineData(10_000, 0)]
    public void Read_WhenWithinTheFile_CopiesItsBytes(int offset, int count)
    {
        using MappedFile file = MappedFile.Open(Path);
        var bytes = new byte[count];

        file.Read(offset, bytes);

        Assert.Equal((Path, Content.Length), (file.Path, file.Length));
        Assert.Equal(Content[offset..(offset + count)], bytes);
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(10_000, 1)]
    [InlineData(10_001, 0)]
    [InlineData(1, 10_000)]
    [InlineData(long.MaxValue, 1)]
    public void Read_WhenOutsideTheFile_IsRefused(long offset, int count)
    {
        using MappedFile file = MappedFile.Open(Path);

        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(offset, new byte[count]));
    }

    [Fact]
    public void Dispose_WhenNothingUsesTheMapping_LetsTheFileGo()
    {
        MappedFile file = MappedFile.Open(Path);
        Assert.True(OpenFiles.Hold(Path));

        file.Dispose();
        file.Dispose();

        Assert.False(OpenFiles.Hold(Path));
        Assert.Throws<ObjectDisposedException>(() => file.Read(0, new byte[1]));
    }

    [Fact]
    public void Open_WhenTheFileIsEmpty_HasNoBytes()
    {
        File.WriteAllBytes(Path, []);
        using MappedFile file = MappedFile.Open(Path);

        file.Read(0, []);

        Assert.Equal(0, file.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Read(0, new byte[1]));
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(-4096)]
    public void Constructor_WhenTheLengthChangesMeanwhile_IsAnIOException(long difference)
    {
        using var stream = new ChangingFile(Path, difference);

        var e = Assert.Throws<IOException>(() => new MappedFile(Path, stream));

        Assert.Contains($"had {Content.Length + difference} bytes", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_WhenThereIsNoFile_SaysSo()
    {
        Assert.Throws<FileNotFoundException>(() => MappedFile.Open(_directory["none"]));
        Assert.Throws<UnauthorizedAccessException>(() => MappedFile.Open(_directory.Path));
        Assert.Throws<ArgumentException>(() => MappedFile.Open(""));
        Assert.Throws<ArgumentNullException>(() => MappedFile.Open(null!));
    }

    public void Dispose() => _directory.Dispose();

    /// <summary>A file that had another length when it was first asked.</summary>
    private sealed class ChangingFile(string path, long difference) : FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read)
    {
        private bool _asked;

        public override long Length
        {
            get
            {
                long length = base.Length + (_asked ? 0 : difference);
                _asked = true;
                return length;
            }
        }
    }
}
