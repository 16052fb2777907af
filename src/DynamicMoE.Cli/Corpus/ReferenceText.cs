using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace DynamicMoE.Cli.Corpus;

/// <summary>Turns one XML documentation file into paragraphs of plain text.</summary>
public static class ReferenceText
{
    private const int MinimumWords = 4;

    /// <summary>Reads the paragraphs of a file in document order, repeats included.</summary>
    /// <exception cref="InvalidDataException">The file is not well-formed XML.</exception>
    public static IEnumerable<string> ReadFile(string path)
    {
        XDocument document;
        try
        {
            document = XDocument.Load(path, LoadOptions.PreserveWhitespace);
        }
        catch (XmlException error)
        {
            throw new InvalidDataException($"{path} is not well-formed XML: {error.Message}", error);
        }
        return document.Descendants("member").SelectMany(member => member.Elements()).SelectMany(Paragraphs);
    }

    /// <summary>The text by which two paragraphs count as the same: lower case, words joined by one space.</summary>
    public static string Normalise(string paragraph) =>
        string.Join(' ', paragraph.ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    internal static IEnumerable<string> Paragraphs(XElement element)
    {
        var text = new StringBuilder();
        Render(element, text);
        var lines = new List<string>();
        foreach (var line in text.Append("\n\n").ToString().Split('\n'))
        {
            if (!string.IsNullOrWhiteSpace(line))
            {
                lines.Add(line);
                continue;
            }
            var words = string.Join(' ', lines).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            lines.Clear();
            if (IsProse(words))
                yield return string.Join(' ', words);
        }
    }

    /// <summary>Instruction mnemonics and C signatures, of which the intrinsics pages consist, are not prose.</summary>
    internal static bool IsProse(string[] words)
    {
        if (words.Length < MinimumWords)
            return false;
        var plain = words.Count(word => word.Trim('.', ',', ';', ':', '(', ')', '"', '\'').All(char.IsLetter));
        return 3 * plain >= 2 * words.Length;
    }

    /// <summary>The name a reader would see for a documentation id: <c>M:System.String.Join(System.Char)</c> is Join.</summary>
    internal static string ShortName(string reference)
    {
        var name = reference.Length > 2 && reference[1] == ':' ? reference[2..] : reference;
        var end = name.IndexOf('(', StringComparison.Ordinal);
        if (end >= 0)
            name = name[..end];
        var parts = name.Split('.');
        // A constructor is named by its type.
        var last = parts[^1] is "#ctor" or "#cctor" && parts.Length > 1 ? parts[^2] : parts[^1];
        var arity = last.IndexOf('`', StringComparison.Ordinal);
        return arity > 0 ? last[..arity] : last;
    }

    private static void Render(XElement element, StringBuilder text)
    {
        foreach (var node in element.Nodes())
        {
            switch (node)
            {
                case XText plain:
                    text.Append(plain.Value);
                    break;
                case XElement { Name.LocalName: "code" }:
                    text.Append("\n\n");
                    break;
                case XElement { Name.LocalName: "para" or "item" or "list" or "note" or "br" } block:
                    text.Append("\n\n");
                    Render(block, text);
                    text.Append("\n\n");
                    break;
                case XElement child when !child.IsEmpty && child.Value.Length > 0:
                    Render(child, text);
                    break;
                case XElement child:
                    text.Append(ReferenceName(child));
                    break;
            }
        }
    }

    private static string ReferenceName(XElement element)
    {
        if ((string?)element.Attribute("cref") is { } cref)
            return ShortName(cref);
        return (string?)element.Attribute("name")
            ?? (string?)element.Attribute("langword")
            ?? (string?)element.Attribute("href")
            ?? "";
    }
}
