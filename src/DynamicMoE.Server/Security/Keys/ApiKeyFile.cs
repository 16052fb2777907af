using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace DynamicMoE.Server;

/// <summary>The file of keys: UTF-8, one key per line, <c>name sha256:HEX [user|admin] [limit=N]</c>; empty lines and those that begin with # are skipped.</summary>
internal static class ApiKeyFile
{
    /// <summary>Keys of a file at most; every request is compared with all of them.</summary>
    internal const int MostKeys = 10_000;

    private const int MostName = 64;
    private const string HashPrefix = "sha256:";
    private const string LimitPrefix = "limit=";
    private static readonly SearchValues<char> s_name = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_");
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a file.</summary>
    /// <exception cref="FormatException">A line is not of that form. The message has its number and nothing of its text, which may hold a key by mistake.</exception>
    internal static IReadOnlyList<ApiKey> Read(byte[] content)
    {
        List<ApiKey> keys = [];
        HashSet<string> names = new(StringComparer.Ordinal), hashes = [];
        string[] lines = Text(content).Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string[] words = lines[i].Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0 || words[0].StartsWith('#'))
            {
                continue;
            }

            ApiKey key = Parse(words, i + 1);
            Require(names.Add(key.Name), i + 1, "has the name of an earlier line");
            Require(hashes.Add(Convert.ToHexString(key.Hash)), i + 1, "has the hash of an earlier line");
            Require(keys.Count < MostKeys, i + 1, $"is above {MostKeys} keys");
            keys.Add(key);
        }

        return keys;
    }

    internal static bool IsName(string text) => text.Length is > 0 and <= MostName && !text.AsSpan().ContainsAnyExcept(s_name);

    internal static string Line(ApiKey key) => string.Create(
        CultureInfo.InvariantCulture,
        $"{key.Name} {HashPrefix}{Convert.ToHexStringLower(key.Hash)} {(key.IsAdmin ? "admin" : "user")}{(key.HourlyLimit is { } limit ? $" {LimitPrefix}{limit}" : "")}");

    private static string Text(byte[] content)
    {
        try
        {
            return s_strict.GetString(content.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? content.AsSpan(Encoding.UTF8.Preamble.Length) : content);
        }
        catch (DecoderFallbackException)
        {
            throw new FormatException("the file is not UTF-8");
        }
    }

    private static ApiKey Parse(string[] words, int line)
    {
        Require(IsName(words[0]), line, $"has no name of 1..{MostName} letters, digits, dots, dashes and underscores");
        Require(words.Length > 1 && words[1].StartsWith(HashPrefix, StringComparison.Ordinal), line, $"has no {HashPrefix}HEX behind the name");
        var hash = new byte[SHA256.HashSizeInBytes];
        bool hexadecimal = Convert.FromHexString(words[1].AsSpan(HashPrefix.Length), hash, out int read, out int written) == OperationStatus.Done
            && written == hash.Length && read == words[1].Length - HashPrefix.Length;
        Require(hexadecimal, line, $"has a hash that is not {2 * SHA256.HashSizeInBytes} hexadecimal digits");
        bool admin = false;
        int? limit = null;
        foreach (string word in words[2..])
        {
            if (word.StartsWith(LimitPrefix, StringComparison.Ordinal))
            {
                bool number = int.TryParse(word.AsSpan(LimitPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int value);
                Require(number && limit is null, line, $"has a limit that is not one whole number in 0..{int.MaxValue}");
                limit = value;
            }
            else
            {
                Require(word is "user" or "admin", line, "has a word that is neither user, admin nor limit=N");
                admin |= word == "admin";
            }
        }

        return new ApiKey(words[0], hash, admin, limit);
    }

    private static void Require(bool holds, int line, string what)
    {
        if (!holds)
        {
            throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"line {line} {what}"));
        }
    }
}
