using System.Diagnostics.CodeAnalysis;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace DynamicMoE.Hosting;

/// <summary>
/// Reads settings out of YAML: mappings of the known keys, scalars and lists of scalars, one document. Anchors, aliases, merge keys, tags and a second
/// document are refused, so that what stands in a line is what is meant by it and nothing grows beyond the file. Reads on after a problem where it can.
/// </summary>
internal sealed class YamlReader
{
    /// <summary>Problems after which the rest of a file is not read.</summary>
    internal const int MostProblems = 100;

    // The scanner of YamlDotNet takes time that grows with the square of the open brackets: 60,000 of them take a minute. Settings need three levels.
    private const int MostDepth = 20;
    private const int MostElements = 1000;

    private readonly Parser _parser;
    private readonly string _file;
    private readonly List<SettingEntry> _entries = [];
    private readonly List<SettingProblem> _problems = [];
    private readonly Dictionary<string, int> _lines = [];
    private int _depth;

    private YamlReader(string text, string file)
    {
        _parser = new Parser(new StringReader(text));
        _file = file;
    }

    /// <summary>Reads a file's content.</summary>
    /// <param name="bytes">The content.</param>
    /// <param name="file">Its path for messages.</param>
    internal static SettingLayer Read(ReadOnlySpan<byte> bytes, string file)
    {
        string text = YamlText.Decode(bytes, file, out SettingProblem? problem);
        return problem is null ? new YamlReader(text, file).Run() : new SettingLayer([], [problem]);
    }

    private SettingLayer Run()
    {
        try
        {
            Document();
        }
        catch (StopReading)
        {
        }
        catch (YamlException error)
        {
            // The parser names the place where it noticed, and what it was reading began before.
            string begun = error.Start.Line == error.End.Line ? "" : $" (begun in line {error.Start.Line})";
            Add(error.End, null, $"this is not YAML: {Printable.Text(error.Message)}{begun}");
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // What the parser itself trips over: an escape beyond Unicode, a state that it did not foresee. The file is to blame for both.
            Add(_parser.Current?.End ?? Mark.Empty, null, $"this is not YAML: {Printable.Text(error.Message)}");
        }

        return new SettingLayer(_entries, _problems);
    }

    private void Document()
    {
        Next();
        if (Next() is StreamEnd)
        {
            return;
        }

        switch (Next())
        {
            case MappingStart root:
                Plain(root, "the file");
                Section("");
                break;
            case Scalar scalar when IsNull(scalar):
                break;
            case var other:
                Add(other.Start, null, "the file must hold keys, such as router:");
                Skip(other);
                break;
        }

        Next();
        if (Next() is not StreamEnd)
        {
            Add(_parser.Current!.Start, null, "a second document is not allowed");
        }
    }

    // The keys of a mapping that has just begun, and its end.
    private void Section(string section)
    {
        for (ParsingEvent key = Next(); key is not MappingEnd; key = Next())
        {
            if (key is not Scalar { Value: string name } || !Plain((NodeEvent)key, "a key"))
            {
                Add(key.Start, section.Length == 0 ? null : section, "a key must be a plain name");
                Skip(key);
                Skip(Next());
                continue;
            }

            string path = section.Length == 0 ? name : $"{section}.{name}";
            ParsingEvent value = Next();
            if (!_lines.TryAdd(path, (int)key.Start.Line))
            {
                Add(key.Start, path, $"{Printable.Text(path)} is set twice, before in line {_lines[path]}");
                Skip(value);
            }
            else if (SettingKeys.IsSection(path))
            {
                Group(path, value);
            }
            else if (SettingKeys.Find(path) is { } setting)
            {
                Setting(setting, value);
            }
            else
            {
                Unknown(key.Start, path);
                Skip(value);
            }
        }
    }

    private void Unknown(in Mark place, string path)
    {
        string hint = path.EndsWith("<<", StringComparison.Ordinal) ? ": merge keys are not allowed"
            : SettingKeys.Nearest(path) is { } near ? $"; did you mean {near}?" : "";
        Add(place, path, $"{Printable.Text(path)} is not a known key{hint}");
    }

    private void Group(string path, ParsingEvent value)
    {
        switch (value)
        {
            case MappingStart start when Plain(start, path):
                Section(path);
                break;
            case Scalar empty when IsNull(empty) && Plain(empty, path):
                break;
            case MappingStart or AnchorAlias:
                Refuse(value, path, "");
                break;
            default:
                Refuse(value, path, $"{path} is a group of keys, not a value");
                break;
        }
    }

    private void Setting(SettingKey key, ParsingEvent value)
    {
        switch (value)
        {
            case Scalar scalar when Plain(scalar, key.Path):
                bool quoted = scalar.Style != ScalarStyle.Plain;
                _entries.Add(new SettingEntry(key, IsNull(scalar) ? null : scalar.Value, Place(scalar.Start), quoted));
                break;
            case SequenceStart start when Plain(start, key.Path) && key.IsList:
                if (Elements(key) is { } elements)
                {
                    _entries.Add(new SettingEntry(key, null, Place(start.Start), Elements: elements));
                }

                break;
            case SequenceStart { Anchor.IsEmpty: true, Tag.IsEmpty: true }:
                Refuse(value, key.Path, $"{key.Path} is a list, must be {key.Allowed}", key.Allowed);
                break;
            case MappingStart { Anchor.IsEmpty: true, Tag.IsEmpty: true }:
                Refuse(value, key.Path, $"{key.Path} is a group of keys, must be {key.Allowed}", key.Allowed);
                break;
            default:
                Refuse(value, key.Path, "");
                break;
        }
    }

    // The elements of a list that has just begun, and its end. @return null when one is no scalar
    private List<SettingElement>? Elements(SettingKey key)
    {
        List<SettingElement>? elements = [];
        for (ParsingEvent element = Next(); element is not SequenceEnd; element = Next())
        {
            if (element is Scalar scalar && Plain(scalar, key.Path))
            {
                elements?.Add(new SettingElement(scalar.Value, Place(scalar.Start), scalar.Style != ScalarStyle.Plain));
                if (elements?.Count > MostElements)
                {
                    Add(scalar.Start, key.Path, $"{key.Path} has more than {MostElements} elements, must be {key.Allowed}", key.Allowed);
                    throw new StopReading();
                }

                continue;
            }

            bool told = element is AnchorAlias or Scalar;
            Refuse(element, key.Path, told ? "" : $"{key.Path} has an element that is no number, must be {key.Allowed}", key.Allowed);
            elements = null;
        }

        return elements;
    }

    private static bool IsNull(Scalar scalar) => scalar is { Style: ScalarStyle.Plain, Value: "" or "~" or "null" or "Null" or "NULL" };

    // Whether a node has neither anchor nor tag; says so when it has.
    private bool Plain(NodeEvent node, string what)
    {
        if (!node.Anchor.IsEmpty)
        {
            Add(node.Start, null, $"{Printable.Text(what)}: anchors (&) are not allowed");
        }
        else if (!node.Tag.IsEmpty)
        {
            Add(node.Start, null, $"{Printable.Text(what)}: tags (!) are not allowed");
        }
        else
        {
            return true;
        }

        return false;
    }

    private void Refuse(ParsingEvent node, string path, string message, string? allowed = null)
    {
        if (node is AnchorAlias)
        {
            message = $"{path}: aliases (*) are not allowed";
        }

        if (message.Length > 0)
        {
            Add(node.Start, path, message, allowed);
        }

        Skip(node);
    }

    // The rest of a node that has begun.
    private void Skip(ParsingEvent node)
    {
        for (int open = node.NestingIncrease; open > 0;)
        {
            open += Next().NestingIncrease;
        }
    }

    private ParsingEvent Next()
    {
        if (!_parser.MoveNext())
        {
            throw new StopReading();
        }

        ParsingEvent next = _parser.Current!;
        _depth += next.NestingIncrease;
        if (_depth > MostDepth)
        {
            Add(next.Start, null, $"nested deeper than {MostDepth} levels");
            throw new StopReading();
        }

        return next;
    }

    private void Add(in Mark place, string? key, string message, string? allowed = null)
    {
        _problems.Add(new SettingProblem(Place(place), key is null ? null : Printable.Text(key), null, allowed, message));
        if (_problems.Count == MostProblems)
        {
            _problems.Add(SettingProblem.OfFile(_file, "there are more problems, the rest of the file was not read"));
            throw new StopReading();
        }
    }

    private SettingSource Place(in Mark mark) => new(SettingSourceKind.Yaml, _file, (int)Math.Max(1, mark.Line), (int)Math.Max(1, mark.Column));

    /// <summary>Ends the walk; everything is said.</summary>
    [SuppressMessage("Design", "CA1064:Exceptions should be public", Justification = "never leaves this class")]
    private sealed class StopReading : Exception;
}
