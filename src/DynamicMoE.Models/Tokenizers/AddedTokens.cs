namespace DynamicMoE.Models;

/// <summary>Tokens of a tokenizer.json that stand for themselves wherever they occur in a text.</summary>
internal sealed class AddedTokens
{
    private readonly Dictionary<string, int> _ids;
    private readonly ILookup<char, string> _byFirst;

    private AddedTokens(Dictionary<string, int> ids)
    {
        _ids = ids;
        // The longest match wins, so that no token hides one that it begins.
        _byFirst = ids.Keys.OrderByDescending(text => text.Length).ToLookup(text => text[0]);
    }

    public IReadOnlyDictionary<string, int> Ids => _ids;

    public static AddedTokens Read(ConfigReader root)
    {
        var ids = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (ConfigReader token in root.Objects("added_tokens"))
        {
            token.RequireFalse("single_word", "only false is supported.");
            token.RequireFalse("lstrip", "only false is supported.");
            token.RequireFalse("rstrip", "only false is supported.");
            string content = token.Text("content");
            if (content.Length == 0 || !ids.TryAdd(content, token.Integer("id", 0, int.MaxValue)))
            {
                throw token.Refuse("content", "a text that is not empty and occurs once is needed.");
            }
        }

        return new AddedTokens(ids);
    }

    /// <summary>Cuts a text at added tokens; pieces without an id are ordinary text.</summary>
    public IEnumerable<(int Offset, int Length, int? Id)> Split(string text)
    {
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            string? token = _byFirst[text[i]].FirstOrDefault(t => string.CompareOrdinal(text, i, t, 0, t.Length) == 0);
            if (token is null)
            {
                continue;
            }

            if (i > start)
            {
                yield return (start, i - start, null);
            }

            yield return (i, token.Length, _ids[token]);
            start = i + token.Length;
            i = start - 1;
        }

        if (start < text.Length)
        {
            yield return (start, text.Length - start, null);
        }
    }
}
