using System.Runtime.ExceptionServices;
using System.Text;

namespace DynamicMoE.Cli.Corpus;

/// <summary>One side of the split: paragraphs in file order, each ended by a line feed.</summary>
/// <param name="Files">Names of the files that were read.</param>
/// <param name="Paragraphs">Number of paragraphs in <paramref name="Bytes"/>.</param>
/// <param name="Bytes">The text as UTF-8.</param>
public sealed record CorpusPart(IReadOnlyList<string> Files, int Paragraphs, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Pieces from all over the text, evenly spread, each cut between characters.</summary>
    /// <param name="pieces">At least 1.</param>
    /// <param name="pieceBytes">Bytes of a piece, at most; at least 4.</param>
    /// <returns>UTF-8; the whole text when it is no longer than the pieces together.</returns>
    public byte[] Sample(int pieces, int pieceBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(pieces, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(pieceBytes, 4);
        if (Bytes.Length <= (long)pieces * pieceBytes)
        {
            return Bytes.ToArray();
        }

        var sample = new List<byte>(pieces * pieceBytes);
        for (int i = 0; i < pieces; i++)
        {
            int start = (int)((long)i * Bytes.Length / pieces);
            sample.AddRange(Bytes.Span[Boundary(start)..Boundary(Math.Min(start + pieceBytes, Bytes.Length))]);
        }

        return [.. sample];
    }

    // The start of the character that holds a byte.
    private int Boundary(int at)
    {
        while (at < Bytes.Length && (Bytes.Span[at] & 0xC0) == 0x80)
        {
            at--;
        }

        return at;
    }

    /// <summary>Reads files and leaves out every paragraph whose normalised text is in <paramref name="seen"/>, to which it adds.</summary>
    internal static CorpusPart Read(IEnumerable<KeyValuePair<string, string>> files, HashSet<string> seen)
    {
        var names = new List<string>();
        var text = new StringBuilder();
        var paragraphs = 0;
        foreach (var (name, parsed) in Parse(files))
        {
            names.Add(name);
            foreach (var (paragraph, normalised) in parsed)
            {
                if (!seen.Add(normalised))
                    continue;
                text.Append(paragraph).Append('\n');
                paragraphs++;
            }
        }
        return new CorpusPart(names, paragraphs, Encoding.UTF8.GetBytes(text.ToString()));
    }

    // Parsing takes nearly all the time, so files are parsed side by side. Their order stays: it decides which of two equal paragraphs is kept.
    private static (string Name, List<(string Text, string Normalised)> Paragraphs)[] Parse(IEnumerable<KeyValuePair<string, string>> files)
    {
        try
        {
            return
            [
                .. files.AsParallel().AsOrdered().Select(file =>
                    (file.Key, ReferenceText.ReadFile(file.Value).Select(text => (text, ReferenceText.Normalise(text))).ToList())),
            ];
        }
        catch (AggregateException error) when (error.InnerException is InvalidDataException)
        {
            ExceptionDispatchInfo.Throw(error.InnerException);
            throw;
        }
    }
}
