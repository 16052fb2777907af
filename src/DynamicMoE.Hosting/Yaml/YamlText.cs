using System.Buffers;
using System.Text;

namespace DynamicMoE.Hosting;

/// <summary>From the bytes of a file to text: UTF-8 only, and no control characters that an editor does not show.</summary>
internal static class YamlText
{
    /// <summary>Most bytes of a file.</summary>
    internal const int MostBytes = 1 << 20;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // Control characters but for tab and line ends, which YAML is written with.
    private static readonly SearchValues<char> Refused = SearchValues.Create(
        [.. Enumerable.Range(0, 0xA0).Select(code => (char)code).Where(c => char.IsControl(c) && c is not ('\t' or '\n' or '\r' or '\u0085'))]);

    /// <summary>Decodes a file.</summary>
    /// <param name="bytes">Its content.</param>
    /// <param name="file">Its path for messages.</param>
    /// <param name="problem">What is wrong, or null.</param>
    /// <returns>The text; empty when something is wrong.</returns>
    internal static string Decode(ReadOnlySpan<byte> bytes, string file, out SettingProblem? problem)
    {
        problem = null;
        if (bytes.Length > MostBytes)
        {
            problem = SettingProblem.OfFile(file, $"the file has more than {MostBytes} bytes");
            return "";
        }

        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || bytes.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]))
        {
            problem = SettingProblem.OfFile(file, "the file is UTF-16, UTF-8 is needed");
            return "";
        }

        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
        {
            bytes = bytes[3..];
        }

        string text;
        try
        {
            text = Strict.GetString(bytes);
        }
        catch (DecoderFallbackException error)
        {
            int at = Math.Clamp(error.Index, 0, bytes.Length - 1);
            problem = At(file, Encoding.UTF8.GetString(bytes[..at]), $"byte 0x{bytes[at]:X2} at offset {at} is not UTF-8");
            return "";
        }

        int control = text.AsSpan().IndexOfAny(Refused);
        int tab = IndentingTab(text);
        if (control >= 0)
        {
            problem = At(file, text[..control], $"the control character U+{(int)text[control]:X4} is not allowed");
        }
        else if (tab >= 0)
        {
            problem = At(file, text[..tab], "lines are indented with spaces, not with tabs");
        }

        return problem is null ? text : "";
    }

    // The parser tells of a tab in another line, and it is the most frequent mistake. @return -1 when there is none
    private static int IndentingTab(string text)
    {
        for (int start = 0; start < text.Length;)
        {
            ReadOnlySpan<char> rest = text.AsSpan(start);
            int indent = rest.IndexOfAnyExcept(' ');
            if (indent >= 0 && rest[indent] == '\t')
            {
                return start + indent;
            }

            int end = rest.IndexOf('\n');
            start = end < 0 ? text.Length : start + end + 1;
        }

        return -1;
    }

    private static SettingProblem At(string file, string before, string message)
    {
        int line = before.Count(c => c == '\n') + 1;
        int column = before.Length - before.LastIndexOf('\n');
        return new SettingProblem(new SettingSource(SettingSourceKind.Yaml, file, line, column), null, null, null, message);
    }
}
