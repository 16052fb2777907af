using System.Text;

namespace DynamicMoE.Cli.Corpus;

/// <summary>One side of the split: paragraphs in file order, each ended by a line feed.</summary>
/// <param name="Files">Names of the files that were read.</param>
/// <param name="Paragraphs">Number of paragraphs in <paramref name="Bytes"/>.</param>
/// <param name="Bytes">The text as UTF-8.</param>
public sealed record CorpusPart(IReadOnlyList<string> Files, int Paragraphs, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Reads files and leaves out every paragraph whose normalised text is in <paramref name="seen"/>, to which it adds.</summary>
    internal static CorpusPart Read(IEnumerable<KeyValuePair<string, string>> files, HashSet<string> seen)
    {
        var names = new List<string>();
        var text = new StringBuilder();
        var paragraphs = 0;
        foreach (var (name, path) in files)
        {
            names.Add(name);
            foreach (var paragraph in ReferenceText.ReadFile(path).Where(paragraph => seen.Add(ReferenceText.Normalise(paragraph))))
            {
                text.Append(paragraph).Append('\n');
                paragraphs++;
            }
        }
        return new CorpusPart(names, paragraphs, Encoding.UTF8.GetBytes(text.ToString()));
    }
}
