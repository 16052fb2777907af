using System.Text;

namespace DynamicMoE.Models.Tests.Tokenizers;

public sealed class TextAssemblerTests
{
    [Theory]
    [InlineData("plain text")]
    [InlineData("na\u00efve \u20ac 5 \U0001F600\U0001F680 end")]
    [InlineData("\U0001F600")]
    [InlineData("")]
    public void Push_WhenBytesAreOfText_GivesWholeCharactersThatJoinToIt(string text)
    {
        var assembler = new TextAssembler(new ByteTokenizer());
        var pieces = new List<string>();

        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            pieces.Add(assembler.Push(b));
        }

        pieces.Add(assembler.Flush());
        Assert.Equal(text, string.Concat(pieces));
        Assert.All(pieces, piece => Assert.DoesNotContain('\uFFFD', piece));
    }

    [Fact]
    public void Push_WhenBytesAreNotText_GivesWhatTheWholeDecodesTo()
    {
        int[] bytes = [.. Enumerable.Range(0, 2000).Select(i => (i * 137) % 256)];
        var tokenizer = new ByteTokenizer();
        var assembler = new TextAssembler(tokenizer);

        string text = string.Concat(bytes.Select(assembler.Push)) + assembler.Flush();

        Assert.Equal(tokenizer.Decode(bytes), text);
    }
}
