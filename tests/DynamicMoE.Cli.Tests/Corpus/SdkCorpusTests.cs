using System.Text;
using DynamicMoE.Cli.Corpus;
using Xunit;

namespace DynamicMoE.Cli.Tests.Corpus;

public sealed class SdkCorpusTests : IDisposable
{
    // The split goes by a hash of the name; training.xml falls on the training side, and a held-out name is searched for.
    private const string TrainingFile = "training.xml";
    private static readonly string HeldOutFile =
        Enumerable.Range(0, 1000).Select(i => $"held-out-{i}.xml").First(SdkCorpus.IsHeldOut);

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("dmoe-corpus-");

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public void TryLoad_WhenThereAreNoPacks_ReturnsNull() => Assert.Null(SdkCorpus.TryLoad(_root.FullName));

    [Fact]
    public void TryLoad_WhenAFileNameOccursInTwoPacks_ReadsItOnce()
    {
        AddFile("A.Ref/1.0.0", TrainingFile, "<summary>Reads the text from here.</summary>");
        AddFile("B.Ref/1.0.0", TrainingFile, "<summary>Does not read the text from here.</summary>");

        Assert.Equal("Reads the text from here.\n", Text(Load().Training));
    }

    [Fact]
    public void TryLoad_WhenAPackHasTwoVersions_ReadsTheNewest()
    {
        AddFile("A.Ref/9.0.1", TrainingFile, "<summary>The text of the old version.</summary>");
        AddFile("A.Ref/10.0.0", TrainingFile, "<summary>The text of the new version.</summary>");

        var corpus = Load();
        Assert.Equal(["A.Ref/10.0.0"], corpus.Packs);
        Assert.Equal("The text of the new version.\n", Text(corpus.Training));
    }

    [Fact]
    public void TryLoad_WhenTrainingHoldsAHeldOutParagraph_DropsItFromHeldOut()
    {
        AddFile("A.Ref/1.0.0", TrainingFile, "<summary>Gets the number of items.</summary>");
        AddFile("A.Ref/1.0.0", HeldOutFile, "<summary>gets the  number\nof Items.</summary><returns>The name of the queue.</returns>");

        var corpus = Load();
        Assert.Equal("Gets the number of items.\n", Text(corpus.Training));
        Assert.Equal("The name of the queue.\n", Text(corpus.HeldOut));
        Assert.Equal([HeldOutFile], corpus.HeldOut.Files);
    }

    [Fact]
    public void Sha256_WhenTheTextIsTheSame_IsTheSame()
    {
        AddFile("A.Ref/1.0.0", TrainingFile, "<summary>Gets the number of items.</summary>");

        Assert.Equal(Load().Sha256, Load().Sha256);
        Assert.Matches("^[0-9a-f]{64}$", Load().Sha256);
    }

    [Fact]
    public void SdkVersion_WhenThereAreSeveral_IsTheHighest()
    {
        foreach (var version in (string[])["9.0.300", "10.0.100-rc.1", "10.0.100", "NuGetFallbackFolder"])
            _root.CreateSubdirectory(Path.Combine("sdk", version));

        Assert.Equal("10.0.100", DotnetRoot.SdkVersion(_root.FullName));
    }

    [Fact]
    public void TryLoad_WhenAFileIsNotXml_NamesIt()
    {
        AddFile("A.Ref/1.0.0", TrainingFile, "<summary>");

        Assert.Contains(TrainingFile, Assert.Throws<InvalidDataException>(Load).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Returns <see cref=\"M:System.String.Join(System.Char)\" /> of the names.", "Returns Join of the names.")]
    [InlineData("Creates a <see cref=\"T:System.Func`2\" /> from the text.", "Creates a Func from the text.")]
    [InlineData("Calls <see cref=\"M:System.Text.StringBuilder.#ctor\" /> for the text.", "Calls StringBuilder for the text.")]
    [InlineData("Is <see langword=\"true\" /> if <paramref name=\"key\" /> was found.", "Is true if key was found.")]
    [InlineData("Reads the <see href=\"https://example.org\">whole page</see> at once.", "Reads the whole page at once.")]
    [InlineData("One line\n   that goes on below.", "One line that goes on below.")]
    public void ReadFile_WhenAParagraphHasMarkup_RendersItAsText(string markup, string expected)
    {
        AddFile("A.Ref/1.0.0", TrainingFile, $"<summary>{markup}</summary>");

        Assert.Equal(expected + "\n", Text(Load().Training));
    }

    [Theory]
    [InlineData("Too short here")]
    [InlineData("__m256i _mm256_add_epi8 (__m256i a, __m256i b) VPADDB ymm1, ymm2, ymm3/m256")]
    [InlineData("<code>the code of an example is left out</code>")]
    public void ReadFile_WhenTextIsNotProse_LeavesItOut(string markup)
    {
        AddFile("A.Ref/1.0.0", TrainingFile, $"<summary>{markup}</summary>");

        Assert.Equal("", Text(Load().Training));
    }

    [Fact]
    public void ReadFile_WhenAnElementHasBlocks_ReturnsAParagraphForEach()
    {
        AddFile("A.Ref/1.0.0", TrainingFile, "<remarks><para>The first block of text.</para><para>The second block of text.</para>\n\nThe third block of text.</remarks>");

        Assert.Equal("The first block of text.\nThe second block of text.\nThe third block of text.\n", Text(Load().Training));
    }

    private SdkCorpus Load() => SdkCorpus.TryLoad(_root.FullName)!;

    private static string Text(CorpusPart part) => Encoding.UTF8.GetString(part.Bytes.Span);

    private void AddFile(string pack, string name, string members)
    {
        var folder = _root.CreateSubdirectory(Path.Combine("packs", pack, "ref", "net10.0"));
        File.WriteAllText(Path.Combine(folder.FullName, name), $"<doc><members><member name=\"T:A\">{members}</member></members></doc>");
    }
}
