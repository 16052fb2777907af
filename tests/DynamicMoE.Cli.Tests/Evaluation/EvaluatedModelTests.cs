using System.Text.Json.Nodes;
using DynamicMoE.Cli.Models;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using Xunit;

namespace DynamicMoE.Cli.Tests.Evaluation;

public sealed class EvaluatedModelTests
{
    private const int Begin = 256;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ByteCount_WhenATokenIsPutInFront_IsZeroForItAlone(bool prefixed)
    {
        using var directory = new TemporaryDirectory();
        SyntheticCheckpoint.Create(FamilySettings.Create(ReferenceFamily.Mixtral) with { Vocabulary = Begin + 1 }).Save(directory.Path);
        File.WriteAllText(directory["tokenizer.json"], Tokenizer(prefixed).ToJsonString());
        using var model = new EvaluatedModel(new ModelChoice(directory.Path, "f32", 1));

        int[] tokens = model.Tokenize("ab");

        Assert.Equal(prefixed ? [Begin, 'a', 'b'] : ['a', 'b'], tokens);
        Assert.Equal(2, tokens.Sum(model.ByteCount));
        Assert.Equal(prefixed ? 0 : 3, model.ByteCount(Begin));
    }

    // A byte-level vocabulary whose ids are the bytes, and a token with a text of three bytes.
    private static JsonObject Tokenizer(bool prefixed)
    {
        var vocabulary = new JsonObject();
        int moved = 0;
        for (int b = 0; b < 256; b++)
        {
            bool printable = b is (>= 33 and <= 126) or (>= 161 and <= 172) or >= 174;
            vocabulary[((char)(printable ? b : 256 + moved++)).ToString()] = b;
        }

        JsonNode? template = prefixed
            ? JsonNode.Parse("""{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}]}""")
            : null;
        return new JsonObject
        {
            ["added_tokens"] = new JsonArray(new JsonObject { ["id"] = Begin, ["content"] = "<s>" }),
            ["pre_tokenizer"] = JsonNode.Parse("""{"type":"ByteLevel","add_prefix_space":false,"use_regex":true}"""),
            ["post_processor"] = template,
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = vocabulary, ["merges"] = new JsonArray() },
        };
    }
}
