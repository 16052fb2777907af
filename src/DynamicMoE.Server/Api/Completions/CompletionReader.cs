using System.Text.Json;
using DynamicMoE.Hosting;

namespace DynamicMoE.Server;

/// <summary>Reads the body of <c>/v1/completions</c>.</summary>
internal static class CompletionReader
{
    /// <summary>Fields of the body; others are ignored, as clients of OpenAI's API expect.</summary>
    public static readonly string[] Fields = [.. SamplingFields.Fields, "prompt", "max_tokens", "echo", "best_of", "logprobs", "suffix"];

    /// <summary>Characters of a prompt per position at most: what no tokenizer makes so few tokens of is not worth tokenizing.</summary>
    public const int CharactersPerPosition = 256;

    private const int DefaultMaxTokens = 16;

    public static CompletionInput Read(JsonFields fields, ServedModelInfo model)
    {
        SamplingFields.CheckModel(fields, model);
        SamplingFields.Neutral(fields, "echo", v => v.ValueKind == JsonValueKind.False, "false");
        SamplingFields.Neutral(fields, "best_of", v => v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out int n) && n == 1, "1");
        SamplingFields.Neutral(fields, "logprobs", _ => false, "null");
        SamplingFields.Neutral(fields, "suffix", v => v.ValueKind == JsonValueKind.String && v.ValueEquals(""), "null");
        (string? text, int[] tokens) = Prompt(fields.Raw("prompt") ?? throw new ProblemException(Problems.Missing("prompt")), model);
        long? asked = fields.Integer("max_tokens", 1, model.MaxPositions);
        return SamplingFields.Read(fields, model, text, tokens, (int)(asked ?? DefaultMaxTokens), cutToFit: asked is null);
    }

    private static (string? Text, int[] Tokens) Prompt(JsonElement prompt, ServedModelInfo model)
    {
        int most = (int)Math.Min(int.MaxValue, (long)model.MaxPositions * CharactersPerPosition);
        if (prompt.ValueKind == JsonValueKind.String)
        {
            return (JsonFields.Text(prompt, "prompt", 1, most), []);
        }

        JsonFields.Require(prompt, "prompt", JsonValueKind.Array, "a text or an array of token ids");
        int count = prompt.GetArrayLength();
        Expect.Valid(count > 0, "prompt", "prompt is empty.");
        if (prompt[0].ValueKind == JsonValueKind.String)
        {
            Expect.Valid(count == 1, "prompt", $"prompt has {count} texts, 1 is allowed.");
            return (JsonFields.Text(prompt[0], "prompt[0]", 1, most), []);
        }

        Expect.Valid(count <= model.MaxPositions, "prompt", $"prompt has {count} tokens, at most {model.MaxPositions} are allowed.");
        var tokens = new int[count];
        int i = 0;
        foreach (JsonElement token in prompt.EnumerateArray())
        {
            tokens[i] = (int)JsonFields.Integer(token, $"prompt[{i}]", 0, int.MaxValue);
            i++;
        }

        return (null, tokens);
    }
}
