using System.Text;
using System.Text.Json.Nodes;
using DynamicMoE.TestKit.Checkpoints;

namespace DynamicMoE.Models.Tests.Tokenizers;

public sealed class ByteLevelBpeTests
{
    // Pieces as the expression cuts them, written by hand.
    public static TheoryData<string, string[]> Texts => new()
    {
        { "hello world", ["hello", " world"] },
        { "hello  world", ["hello", " ", " world"] },
        { "Hello, world!", ["Hello", ",", " world", "!"] },
        { "it's 42", ["it", "'s", " ", "4", "2"] },
        { "a\n\nb", ["a", "\n\n", "b"] },
        { "  \n x", ["  \n", " x"] },
        { "trailing  ", ["trailing", "  "] },
        { "na\u00efve \u20ac", ["na\u00efve", " \u20ac"] },
        { "\U0001F600\U0001F680 hello", ["\U0001F600\U0001F680", " hello"] },
        { "tab\thello", ["tab", "\thello"] },
    };

    [Theory, MemberData(nameof(Texts))]
    public void Encode_WhenTextIsCutByTheExpression_FollowsTheDefinitionOfBpe(string text, string[] pieces)
    {
        ByteLevelBpe tokenizer = BpeFile.Open(BpeFile.Create());

        IReadOnlyList<int> ids = tokenizer.Encode(text);

        Assert.Equal(pieces.SelectMany(BpeFile.Encode), ids);
        Assert.Equal(text, tokenizer.Decode(ids));
    }

    [Fact]
    public void Encode_WhenTextIsRandom_DecodesToItself()
    {
        ByteLevelBpe tokenizer = BpeFile.Open(BpeFile.Create());
        var random = new Random(6);
        string alphabet = "helo wrd'st42\n\t,.\u00e9\u20ac";
        for (int round = 0; round < 300; round++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 60)).Select(_ => alphabet[random.Next(alphabet.Length)]));

            Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
        }
    }

    [Fact]
    public void Encode_WhenTextHasAddedTokens_TakesTheLongestAndNothingAcrossThem()
    {
        ByteLevelBpe tokenizer = BpeFile.Open(BpeFile.Create());

        Assert.Equal([.. BpeFile.Encode("hello"), 300, .. BpeFile.Encode("hello"), 301, 302, .. BpeFile.Encode("<tool")], tokenizer.Encode("hello<|end|>hello<|end|>x<tool><tool"));
        Assert.Equal("hello<|end|>", tokenizer.Decode(tokenizer.Encode("hello<|end|>")));
        Assert.Empty(tokenizer.Encode(""));
    }

    // The repository's processes run without globalization data; there NFC is refused where it might change the text.
    [Fact]
    public void Encode_WhenTextIsNotComposed_IsNormalisedOrRefused()
    {
        ByteLevelBpe tokenizer = BpeFile.Open(BpeFile.Create());
        try
        {
            Assert.Equal(tokenizer.Encode("\u00e9"), tokenizer.Encode("e\u0301"));
        }
        catch (ModelConfigurationException e)
        {
            Assert.Equal("normalizer", e.Key);
        }
    }

    [Fact]
    public void Encode_WhenTemplatePutsATokenInFront_PutsIt()
    {
        JsonObject file = BpeFile.Create();
        file["post_processor"] = JsonNode.Parse("""
            {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<tool>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{}}
            """);

        Assert.Equal([302, .. BpeFile.Encode("hello")], BpeFile.Open(file).Encode("hello"));
    }

    [Fact]
    public void Encode_WhenMergesArePairs_ReadsThem()
    {
        JsonObject file = BpeFile.Create();
        file["model"]!["merges"] = new JsonArray([.. BpeFile.Merges.Select(m => new JsonArray(m.Left, m.Right))]);

        Assert.Equal(BpeFile.Encode("hello"), BpeFile.Open(file).Encode("hello"));
    }

    [Fact]
    public void Encode_WhenPreTokenizerIsGpt2s_CutsAsItDoes()
    {
        JsonObject file = BpeFile.Create();
        file["pre_tokenizer"] = JsonNode.Parse("""{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}""");

        Assert.Equal(new[] { "hello", " 42", " world", "'s" }.SelectMany(BpeFile.Encode), BpeFile.Open(file).Encode("hello 42 world's"));
    }

    [Fact]
    public void Encode_WhenDigitsStandAlone_CutsEach()
    {
        JsonObject file = BpeFile.Create();
        file["pre_tokenizer"]!["pretokenizers"]![0] = JsonNode.Parse("""{"type":"Digits","individual_digits":true}""");

        Assert.Equal(new[] { "hello", "4", "2", "hello" }.SelectMany(BpeFile.Encode), BpeFile.Open(file).Encode("hello42hello"));
    }

    [Fact]
    public void Decode_WhenIdIsBeyondTheVocabulary_GivesNoTextAndRefusesNegativeOnes()
    {
        ByteLevelBpe tokenizer = BpeFile.Open(BpeFile.Create());

        Assert.Equal("", tokenizer.Decode([299, 5000]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([-1]));
        Assert.Throws<ArgumentNullException>(() => tokenizer.Encode(null!));
    }

    [Theory]
    [InlineData("model.type", "\"Unigram\"")]
    [InlineData("model.type", "\"WordPiece\"")]
    [InlineData("model.byte_fallback", "true")]
    [InlineData("model.ignore_merges", "true")]
    [InlineData("model.dropout", "0.1")]
    [InlineData("model.continuing_subword_prefix", "\"##\"")]
    [InlineData("model.end_of_word_suffix", "\"</w>\"")]
    [InlineData("model.vocab", "{\"a\":0}")]
    [InlineData("model.vocab", "[]")]
    [InlineData("model.merges", "{}")]
    [InlineData("model.merges[0]", "[\"h\"]", "model.merges")]
    [InlineData("model.merges[0]", "[\"h zz\"]", "model.merges")]
    [InlineData("model.merges[0]", "[7]", "model.merges")]
    [InlineData("normalizer.type", "\"NFKC\"")]
    [InlineData("pre_tokenizer.type", "\"Metaspace\"")]
    [InlineData("post_processor.type", "\"RobertaProcessing\"")]
    [InlineData("pre_tokenizer.pretokenizers[0].behavior", "\"Removed\"")]
    [InlineData("pre_tokenizer.pretokenizers[0].invert", "true")]
    [InlineData("pre_tokenizer.pretokenizers[0].pattern.Regex", "\"(\"")]
    [InlineData("pre_tokenizer.pretokenizers[1].add_prefix_space", "true")]
    [InlineData("added_tokens[1].lstrip", "true")]
    [InlineData("added_tokens[1].content", "\"<tool>\"", null, "added_tokens[2].content")]
    [InlineData("added_tokens[1].id", "-1")]
    public void Open_WhenFileAsksForMore_NamesTheKey(string key, string value, string? set = null, string? named = null)
    {
        JsonObject file = BpeFile.Create();
        Set(file, set ?? key, JsonNode.Parse(value));

        var e = Assert.Throws<ModelConfigurationException>(() => BpeFile.Open(file));

        Assert.Equal(named ?? key, e.Key);
    }

    // The first text is an escaped half of a pair, the second the byte 0xFF.
    [Theory]
    [InlineData("model.merges", "[\"MARK\"]", "\\ud800", "model.merges[0]")]
    [InlineData("model.merges", "[\"MARK\"]", "\u00ff", "model.merges[0]")]
    [InlineData("model.merges", "[[\"h\",\"MARK\"]]", "\\ud800", "model.merges[0]")]
    [InlineData("model.vocab", "{\"MARK\":1}", "\\ud800", null)]
    [InlineData("model.vocab", "{\"MARK\":1}", "\u00ff", null)]
    [InlineData("model.type", "\"MARK\"", "\u00ff", "model.type")]
    [InlineData("model.byte_fallback", "\"MARK\"", "\u00ff", "model.byte_fallback")]
    [InlineData("added_tokens[0].content", "\"MARK\"", "\u00ff", "added_tokens[0].content")]
    public void Open_WhenTextIsNotUnicode_IsRefusedByItsKey(string key, string value, string text, string? named)
    {
        JsonObject file = BpeFile.Create();
        Set(file, key, JsonNode.Parse(value));
        byte[] bytes = Encoding.UTF8.GetBytes(file.ToJsonString());
        int at = bytes.AsSpan().IndexOf("MARK"u8);
        using var directory = new TemporaryDirectory();
        File.WriteAllBytes(directory["tokenizer.json"], [.. bytes[..at], .. Encoding.Latin1.GetBytes(text), .. bytes[(at + 4)..]]);

        var e = Assert.Throws<ModelConfigurationException>(() => ByteLevelBpe.Open(directory["tokenizer.json"]));

        Assert.Equal(named ?? e.Key, e.Key);
    }

    [Fact]
    public void Encode_WhenExpressionIsHostile_FailsInsteadOfHanging()
    {
        JsonObject file = BpeFile.Create();
        file["pre_tokenizer"]!["pretokenizers"]![0]!["pattern"]!["Regex"] = "(a+)+$";
        ByteLevelBpe tokenizer = BpeFile.Open(file);

        var e = Assert.Throws<ModelConfigurationException>(() => tokenizer.Encode(new string('a', 40) + "b"));

        Assert.Equal("pre_tokenizer", e.Key);
    }

    [Fact]
    public void Open_WhenFileIsNotJson_NamesIt()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["tokenizer.json"], "{\"model\":");

        Assert.Throws<ModelConfigurationException>(() => ByteLevelBpe.Open(directory["tokenizer.json"]));
        Assert.Throws<ModelConfigurationException>(() => ByteLevelBpe.Open(directory["none.json"]));
    }

    private static void Set(JsonNode node, string path, JsonNode? value)
    {
        string[] keys = path.Replace("[", ".[", StringComparison.Ordinal).Split('.');
        foreach (string key in keys[..^1])
        {
            node = key[0] == '[' ? node[int.Parse(key[1..^1], System.Globalization.CultureInfo.InvariantCulture)]! : node[key]!;
        }

        node[keys[^1]] = value;
    }
}
