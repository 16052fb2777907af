using System.Text;
using DynamicMoE.TestKit.Generators;

namespace DynamicMoE.Hosting.Tests.Fuzz;

/// <summary>Damages a settings file: bytes, lines, values and structure. The same seed gives the same files.</summary>
internal sealed class ConfigMutator(ulong seed)
{
    // What YAML readers and number parsers have stumbled over.
    private static readonly string[] Tokens =
    [
        "&a ", "*a", "<<: *a\n", "!!binary ", "!!python/object:os.system ", "---\n", "...\n", "%YAML 1.1\n", "%TAG ! x:\n", "? ", ": ", "- ", "[", "]", "{", "}", ",", "#",
        "|\n", ">\n", "'", "\"", "\\", "\\UFFFFFFFF", "\\x00", "\0", "\t", "\r", "\n", "\u0085", "\u2028", "\uFEFF", "\uFFFD", "@", "`", "~", "null", "true", "yes", "NaN",
        ".nan", ".inf", "-.inf", "-0", "0x7f", "0o17", "1e999", "1e-999", "1_000", "1:30", "2147483648", "-1", "18446744073709551616", "0.30000000000000004",
        "router:\n", "  min_experts: 5\n", "  max_experts: 3\n", "  mean_experts_budget: 1.5\n", "  routing_strategy: threshold\n", "preset: large\n", "optimization: {}\n",
    ];

    private static readonly string[] Numbers = ["0", "1", "2", "3", "4", "16", "-1", "0.5", "1.5", "1e-30", "1e30", "4096", "1048577", "99999999999999999999"];

    private readonly SeededRandom _random = new(seed);

    /// <summary>A damaged copy of a file, with one to four changes.</summary>
    public byte[] Mutate(string text)
    {
        for (int changes = _random.NextInt(1, 5); changes > 0; changes--)
        {
            text = _random.NextInt(0, 8) switch
            {
                0 => text.Insert(Place(text), Tokens[_random.NextInt(0, Tokens.Length)]),
                1 => text.Remove(Place(text)),
                2 => Cut(text),
                3 => Lines(text, lines => lines.Insert(_random.NextInt(0, lines.Count + 1), lines[_random.NextInt(0, lines.Count)])),
                4 => Lines(text, lines => lines.RemoveAt(_random.NextInt(0, lines.Count))),
                5 => Lines(text, lines => lines[_random.NextInt(0, lines.Count)] = lines[_random.NextInt(0, lines.Count)]),
                6 => Value(text, Numbers[_random.NextInt(0, Numbers.Length)]),
                _ => Value(text, Tokens[_random.NextInt(0, Tokens.Length)]),
            };
        }

        byte[] bytes = Encoding.UTF8.GetBytes(text);
        for (int flips = _random.NextInt(0, 4) == 0 ? _random.NextInt(1, 4) : 0; flips > 0 && bytes.Length > 0; flips--)
            bytes[_random.NextInt(0, bytes.Length)] = (byte)_random.NextInt(0, 256);
        return bytes;
    }

    private int Place(string text) => _random.NextInt(0, text.Length + 1);

    private string Cut(string text)
    {
        int start = Place(text);
        return text.Remove(start, Math.Min(_random.NextInt(0, 40), text.Length - start));
    }

    private static string Lines(string text, Action<List<string>> change)
    {
        List<string> lines = [.. text.Split('\n')];
        change(lines);
        return string.Join('\n', lines);
    }

    // Another value behind the colon of one line.
    private string Value(string text, string value) => Lines(text, lines =>
    {
        int line = _random.NextInt(0, lines.Count), colon = lines[line].IndexOf(':', StringComparison.Ordinal);
        if (colon >= 0)
            lines[line] = $"{lines[line][..(colon + 1)]} {value}";
    });
}
