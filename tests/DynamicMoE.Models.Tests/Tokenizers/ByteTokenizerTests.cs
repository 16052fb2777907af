namespace DynamicMoE.Models.Tests.Tokenizers;

public sealed class ByteTokenizerTests
{
    private readonly ByteTokenizer _tokenizer = new();

    [Fact]
    public void Encode_WhenTextIsUtf8_GivesItsBytes()
    {
        Assert.Equal([0x61, 0xE2, 0x82, 0xAC], _tokenizer.Encode("a\u20ac"));
        Assert.Empty(_tokenizer.Encode(""));
        Assert.Equal("a\u20ac", _tokenizer.Decode([0x61, 0xE2, 0x82, 0xAC]));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(256)]
    public void Decode_WhenIdIsNoByte_IsRefused(int id) => Assert.Throws<ArgumentOutOfRangeException>(() => _tokenizer.Decode([id]));

    [Fact]
    public void Encode_WhenNull_IsRefused()
    {
        Assert.Throws<ArgumentNullException>(() => _tokenizer.Encode(null!));
        Assert.Throws<ArgumentNullException>(() => _tokenizer.Decode(null!));
    }
}
