using DynamicMoE.Cli.Corpus;

namespace DynamicMoE.Cli.Text;

/// <summary>Text to score, and other text to warm up on.</summary>
/// <param name="Source">Where the scored text comes from.</param>
/// <param name="Scored">UTF-8.</param>
/// <param name="WarmupSource">Where the other text comes from.</param>
/// <param name="Warmup">UTF-8; none of it is scored.</param>
internal sealed record EvaluationText(
    string Source, ReadOnlyMemory<byte> Scored, string WarmupSource, ReadOnlyMemory<byte> Warmup)
{
    /// <summary>Bytes to warm up on.</summary>
    public const int WarmupBytes = 8192;

    private const string SameText = "the same text after the evaluated part";

    /// <summary>Finds the text: the user's file, else the installed SDK's held-out documentation, else the text that the tool carries.</summary>
    /// <param name="path">File, or null.</param>
    /// <param name="maxBytes">Most bytes to score.</param>
    /// <exception cref="ToolException">The file is missing, too short or not UTF-8.</exception>
    public static EvaluationText Load(string? path, int maxBytes)
    {
        if (path is not null)
        {
            return Split(path, ReadFile(path, maxBytes + WarmupBytes), maxBytes);
        }

        return SdkCorpus.TryLoad() is { HeldOut.Bytes.Length: > WarmupBytes } corpus
            ? Split($"held-out reference documentation of .NET SDK {corpus.SdkVersion}", corpus.HeldOut.Bytes, maxBytes)
            : Split("embedded text (no SDK documentation found)", Embedded(), Math.Min(maxBytes, Embedded().Length - WarmupBytes));
    }

    /// <summary>Cuts a text into a scored and a warm-up part. What follows the scored part is warmed up on; when too little follows,
    /// the embedded text is.</summary>
    internal static EvaluationText Split(string source, ReadOnlyMemory<byte> text, int maxBytes)
    {
        int scored = Utf8Text.CutAt(text.Span, maxBytes);
        ReadOnlyMemory<byte> rest = text[scored..];
        return rest.Length >= WarmupBytes / 2
            ? new EvaluationText(source, text[..scored], SameText, rest[..Utf8Text.CutAt(rest.Span, WarmupBytes)])
            : new EvaluationText(source, text[..scored], "embedded text", Embedded()[..WarmupBytes]);
    }

    /// <summary>Text that the tool carries: our own words in the style of reference documentation, ASCII.</summary>
    internal static ReadOnlyMemory<byte> Embedded()
    {
        using Stream stream = typeof(EvaluationText).Assembly.GetManifestResourceStream("fallback.txt")
            ?? throw new InvalidOperationException("fallback.txt is not in the assembly");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static ReadOnlyMemory<byte> ReadFile(string path, int most)
    {
        if (!File.Exists(path))
        {
            throw new ToolException($"--text '{path}' is not a file");
        }

        using FileStream file = File.OpenRead(path);
        // One byte more tells whether the last character goes on.
        var bytes = new byte[most + 1];
        int length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        length = Utf8Text.CutAt(bytes.AsSpan(0, length), most);
        if (length < 2)
        {
            throw new ToolException($"--text '{path}' has {length} bytes, at least 2 are needed");
        }

        return bytes.AsMemory(0, length);
    }
}
