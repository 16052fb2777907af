namespace DynamicMoE.Tests.Runtime;

public sealed class ModelHashTests
{
    [Fact]
    public void TryParse_WhenTheTextCameFromToString_GivesTheHashBack()
    {
        var hash = new ModelHash((UInt128)0xABCDEF << 70);

        Assert.Equal(32, hash.ToString().Length);
        Assert.True(ModelHash.TryParse(hash.ToString(), out ModelHash parsed));
        Assert.Equal(hash, parsed);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0123456789abcdef0123456789abcde")]
    [InlineData("0123456789abcdef0123456789abcdef0")]
    [InlineData(" 123456789abcdef0123456789abcdef")]
    [InlineData("0123456789abcdefg123456789abcdef")]
    public void TryParse_WhenTheTextIsNoHash_SaysSo(string? text)
    {
        Assert.False(ModelHash.TryParse(text, out ModelHash hash));
        Assert.Equal(default, hash);
    }
}
