using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Tokenizers;

public sealed class TokenizerFilesTests
{
    [Theory]
    [InlineData("vocab.json")]
    [InlineData("merges.txt")]
    [InlineData("spiece.model")]
    public void Load_WhenTokenizerIsOfAnotherKind_NamesTheFile(string file)
    {
        using TemporaryDirectory directory = Model(64);
        File.WriteAllText(directory[file], "x");

        var e = Assert.Throws<ModelConfigurationException>(() => MoEModel.Load(directory.Path));

        Assert.Equal(directory[file], e.File);
    }

    [Theory]
    [InlineData("config.json", 1_048_576)]
    [InlineData("tokenizer.json", 100_000_000)]
    [InlineData("tokenizer.model", 100_000_000)]
    public void Load_WhenAFileIsTooLarge_SaysSoWithoutReadingIt(string file, int most)
    {
        using TemporaryDirectory directory = Model(64);
        using (FileStream stream = File.OpenWrite(directory[file]))
        {
            stream.SetLength(most + 1L);
        }

        var e = Assert.Throws<ModelConfigurationException>(() => MoEModel.Load(directory.Path));

        Assert.Equal(directory[file], e.File);
        Assert.Contains($"the file has {most + 1L} bytes, at most {most} are allowed", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_WhenTokenizerIsNotWanted_IgnoresTheFile()
    {
        using TemporaryDirectory directory = Model(256);
        File.WriteAllText(directory["vocab.json"], "x");

        using MoEModel model = MoEModel.Load(directory.Path, new ModelLoadOptions { LoadTokenizer = false });

        Assert.Null(model.Tokenizer);
    }

    [Fact]
    public void Load_WhenBothFilesAreThere_TakesTheModelFile()
    {
        using TemporaryDirectory directory = Model(64);
        File.WriteAllBytes(directory["tokenizer.model"], SentencePieceFile.Create());
        File.WriteAllText(directory["tokenizer.json"], BpeFile.Create().ToJsonString());

        using MoEModel both = MoEModel.Load(directory.Path);
        File.Delete(directory["tokenizer.model"]);
        using MoEModel one = MoEModel.Load(directory.Path);

        Assert.IsType<SentencePieceModel>(both.Tokenizer);
        Assert.IsType<ByteLevelBpe>(one.Tokenizer);
    }

    [Theory]
    [InlineData(256, true)]
    [InlineData(64, false)]
    public void Load_WhenNoFileIsThere_TakesBytesWhereTheyFit(int vocabulary, bool bytes)
    {
        using TemporaryDirectory directory = Model(vocabulary);

        using MoEModel model = MoEModel.Load(directory.Path);

        Assert.Equal(bytes, model.Tokenizer is ByteTokenizer);
    }

    private static TemporaryDirectory Model(int vocabulary)
    {
        var directory = new TemporaryDirectory();
        SyntheticCheckpoint.Create(FamilySettings.Create(ReferenceFamily.Mixtral) with { Vocabulary = vocabulary, Layers = 1 }).Save(directory.Path);
        return directory;
    }
}
