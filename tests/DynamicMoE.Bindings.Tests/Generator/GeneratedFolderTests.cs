using DynamicMoE.BindingGenerator;

namespace DynamicMoE.Bindings.Tests.Generator;

public sealed class GeneratedFolderTests : IDisposable
{
    private static readonly Dictionary<string, string> Files = new() { ["A.g.cs"] = "one\ntwo\n", ["B.g.cs"] = "three\n" };

    private readonly string _folder = Directory.CreateTempSubdirectory("dmoe-generated").FullName;

    public GeneratedFolderTests() => GeneratedFolder.Write(_folder, Files);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Differences_WhenFilesAreCurrent_IsEmpty() => Assert.Empty(GeneratedFolder.Differences(_folder, Files));

    [Fact]
    public void Differences_WhenALineChanged_NamesFileLineAndBothTexts()
    {
        File.WriteAllText(Path.Combine(_folder, "A.g.cs"), "one\n2\n");
        Assert.Equal(["A.g.cs(2): committed '2', generated 'two'"], GeneratedFolder.Differences(_folder, Files));
    }

    [Fact]
    public void Differences_WhenAFileIsShorter_NamesTheEnd()
    {
        File.WriteAllText(Path.Combine(_folder, "B.g.cs"), "three");
        Assert.Equal(["B.g.cs(2): committed 'end of file', generated ''"], GeneratedFolder.Differences(_folder, Files));
    }

    [Fact]
    public void Differences_WhenLineEndsAreCrLf_IsStale()
    {
        File.WriteAllText(Path.Combine(_folder, "B.g.cs"), "three\r\n");
        Assert.Equal(["B.g.cs(1): committed 'three\\r', generated 'three'"], GeneratedFolder.Differences(_folder, Files));
    }

    [Fact]
    public void Differences_WhenFilesAreMissingOrLeftOver_NamesEach()
    {
        File.Move(Path.Combine(_folder, "A.g.cs"), Path.Combine(_folder, "C.g.cs"));
        Assert.Equal(["A.g.cs: missing", "C.g.cs: no longer generated"], GeneratedFolder.Differences(_folder, Files));
    }

    [Fact]
    public void Write_WhenAFileIsLeftOver_DeletesIt()
    {
        File.WriteAllText(Path.Combine(_folder, "C.g.cs"), "");
        GeneratedFolder.Write(_folder, Files);
        Assert.Empty(GeneratedFolder.Differences(_folder, Files));
    }
}
