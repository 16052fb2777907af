using System.Text.Json.Nodes;
using DynamicMoE.Cli.Models;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using Xunit;

namespace DynamicMoE.Cli.Tests.Evaluation;

public sealed class EvaluatedModelTests
{
    private const int Begin = 256;
    private const int Pair = 257;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void FirstTokenBytes_WhenATokenIsPutInFront_IsZeroForItAlone(bool prefixed)
    {
        using var directory = new TemporaryDirectory();
        using EvaluatedModel model = Load(directory, prefixed);

        int[] tokens = model.Tokenize("ab");

        Assert.Equal(prefixed ? [Begin, 'a', 'b'] : ['a', 'b'], tokens);
        Assert.Equal(prefixed ? 0 : 1, model.FirstTokenBytes(tokens));
        Assert.Equal(prefixed ? 0 : 3, model.FirstTokenBytes([Begin, 'a']));
    }

    [Theory]
    [InlineData("a\u00E9", 1)]
    [InlineData("\u00E9a", 1)]
    [InlineData("\U0001F600", 1)]
    [InlineData("\u20AC", 2)]
    [InlineData("\u20AC\u20AC", 2)]
    public void FirstTokenBytes_WhenACharacterIsSplit_CountsTheFirstTokensBytesOnly(string text, int bytes)
    {
        using var directory = new TemporaryDirectory();
        using EvaluatedModel model = Load(directory, prefixed: false);

        Assert.Equal(bytes, model.FirstTokenBytes(model.Tokenize(text)));
    }

    private static EvaluatedModel Load(TemporaryDirectory directory, bool prefixed)
    {
        SyntheticCheckpoint.Create(FamilySettings.Create(ReferenceFamily.Mixtral) with { Vocabulary = Pair + 1 }).Save(directory.Path);
        File.WriteAllText(directory["tokenizer.json"], Tokenizer(prefixed).ToJsonString());
        return new EvaluatedModel(new ModelChoice(directory.Path, WeightFormat.Float32, 1));
    }

    // A byte-level vocabulary whose ids are the bytes, a token with a text of three bytes, and one merge: the first two bytes of U+20AC.
    private static JsonObject Tokenizer(bool prefixed)
    {
        var letters = new string[256];
        int moved = 0;
        for (int b = 0; b < 256; b++)
        {
            bool printable = b is (>= 33 and <= 126) or (>= 161 and <= 172) or >= 174;
            letters[b] = ((char)(printable ? b : 256 + moved++)).ToString();
        }

        var vocabulary = new JsonObject();
        foreach ((int b, string letter) in letters.Index())
        {
            vocabulary[letter] = b;
        }

        vocabulary[letters[0xE2] + letters[0x82]] = Pair;
        JsonNode? template = prefixed
            ? JsonNode.Parse("""{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}]}""")
            : null;
        return new JsonObject
        {
            ["added_tokens"] = new JsonArray(new JsonObject { ["id"] = Begin, ["content"] = "<s>" }),
            ["pre_tokenizer"] = JsonNode.Parse("""{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}"""),
            ["post_processor"] = template,
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray($"{letters[0xE2]} {letters[0x82]}"),
            },
        };
    }
}
