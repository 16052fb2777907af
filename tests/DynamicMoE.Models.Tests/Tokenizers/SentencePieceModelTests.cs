using DynamicMoE.TestKit.Checkpoints;

namespace DynamicMoE.Models.Tests.Tokenizers;

public sealed class SentencePieceModelTests
{
    [Theory]
    [InlineData("hello", new[] { "<s>", "\u2581hello" })]
    [InlineData("hello hello", new[] { "<s>", "\u2581hello", "\u2581hello" })]
    [InlineData("ow", new[] { "<s>", "\u2581", "o", "w" })]
    [InlineData("heo\u20ac", new[] { "<s>", "\u2581", "he", "o", "<0xE2>", "<0x82>", "<0xAC>" })]
    public void Encode_WhenModelIsBpe_MergesByScoreAndFallsBackToBytes(string text, string[] pieces)
    {
        SentencePieceModel tokenizer = Open(SentencePieceFile.Create());

        IReadOnlyList<int> ids = tokenizer.Encode(text);

        Assert.Equal(pieces, ids.Select(id => SentencePieceFile.Pieces[id]));
        Assert.Equal(text, tokenizer.Decode([.. ids.Skip(1)]));
    }

    [Fact]
    public void Encode_WhenConfigurationSaysNoBegin_PutsNothingInFront()
    {
        SentencePieceModel tokenizer = Open(SentencePieceFile.Create(), "{\"add_bos_token\":false}");

        Assert.Equal("\u2581hello", SentencePieceFile.Pieces[Assert.Single(tokenizer.Encode("hello"))]);
    }

    [Fact]
    public void Open_WhenConfigurationIsWrong_NamesTheKey() =>
        Assert.Equal("add_bos_token", Assert.Throws<ModelConfigurationException>(() => Open(SentencePieceFile.Create(), "{\"add_bos_token\":7}")).Key);

    [Fact]
    public void Open_WhenModelIsUnigram_IsRefused() => Assert.Throws<ModelConfigurationException>(() => Open(SentencePieceFile.Create(modelType: 1)));

    // A cut that falls between two messages leaves a shorter, valid file.
    [Fact]
    public void Open_WhenFileIsCutAnywhere_OpensOrIsRefused()
    {
        byte[] whole = SentencePieceFile.Create();
        int refused = 0;
        for (int length = 0; length < whole.Length; length += 7)
        {
            try
            {
                Open(whole[..length]);
            }
            catch (ModelConfigurationException)
            {
                refused++;
            }
        }

        Assert.True(refused > 0);
    }

    [Fact]
    public void Open_WhenFileIsMissing_NamesIt() => Assert.Throws<ModelConfigurationException>(() => SentencePieceModel.Open("/nonexistent/tokenizer.model"));

    [Fact]
    public void Decode_WhenIdIsNegative_IsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => Open(SentencePieceFile.Create()).Decode([-1]));

    private static SentencePieceModel Open(byte[] bytes, string? configuration = null)
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllBytes(directory["tokenizer.model"], bytes);
        if (configuration is not null)
        {
            File.WriteAllText(directory["tokenizer_config.json"], configuration);
        }

        return SentencePieceModel.Open(directory["tokenizer.model"]);
    }
}
