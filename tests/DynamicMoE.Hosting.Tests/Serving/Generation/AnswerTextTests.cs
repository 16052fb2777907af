using System.Text;
using DynamicMoE.Hosting.Generation;
using DynamicMoE.Models;

namespace DynamicMoE.Hosting.Tests.Serving.Generation;

public sealed class AnswerTextTests
{
    [Theory]
    [InlineData("one two three", "two", "one ", true)]
    [InlineData("one two three", "twi", "one two three", false)]
    [InlineData("aab", "ab", "a", true)]
    [InlineData("abcabd", "abd|cab", "ab", true)]
    [InlineData("end en", "end of", "end en", false)]
    [InlineData("gr\u00fc\u00dfe", "\u00df", "gr\u00fc", true)]
    public void Text_WhenItIsPushedByteByByte_EndsBeforeTheFirstStop(string text, string stops, string expected, bool stopped)
    {
        var answer = new AnswerText(new Bytes(), stops.Split('|'));
        var shown = new StringBuilder();
        bool ended = false;
        foreach (byte value in Encoding.UTF8.GetBytes(text))
        {
            (string piece, ended) = answer.Push(value);
            shown.Append(piece);
            Assert.StartsWith(shown.ToString(), expected, StringComparison.Ordinal);
            if (ended)
            {
                break;
            }
        }

        if (!ended)
        {
            (string piece, ended) = answer.End();
            shown.Append(piece);
        }

        Assert.Equal((expected, stopped), (shown.ToString(), ended));
    }

    private sealed class Bytes : ITextTokenizer
    {
        public string Name => "bytes";

        public IReadOnlyList<int> Encode(string text) => [.. Encoding.UTF8.GetBytes(text).Select(value => (int)value)];

        public string Decode(IReadOnlyList<int> tokens) => Encoding.UTF8.GetString([.. tokens.Select(token => (byte)token)]);
    }
}
