using System.Text.Json;
using DynamicMoE.Hosting;

namespace DynamicMoE.Server;

/// <summary>Fields that completions and chats share.</summary>
internal static class SamplingFields
{
    /// <summary>Their names.</summary>
    public static readonly string[] Fields =
    [
        "model", "temperature", "top_p", "seed", "stop", "stream", "stream_options", "n", "user", "quality", "experts_budget", "include_experts",
        "presence_penalty", "frequency_penalty", "logit_bias",
    ];

    private const int MaxStops = 4, MaxStopCharacters = 256, MaxNameCharacters = 1024;

    /// <summary>Reads them.</summary>
    /// <param name="fields">The body.</param>
    /// <param name="model">What is served.</param>
    /// <param name="prompt">The prompt as text, or null.</param>
    /// <param name="tokens">The prompt as tokens.</param>
    /// <param name="maxTokens">Tokens of the answer at most.</param>
    /// <param name="cutToFit">Whether nobody asked for so many.</param>
    public static CompletionInput Read(JsonFields fields, ServedModelInfo model, string? prompt, int[] tokens, int maxTokens, bool cutToFit)
    {
        RefuseUnsupported(fields);
        (double? quality, double? budget) = (fields.Number("quality", 0, 1), Budget(fields, model));
        Expect.Valid(quality is null || budget is null, "experts_budget", "quality and experts_budget exclude each other.");
        var request = new GenerationRequest
        {
            Model = model,
            Prompt = prompt,
            PromptTokens = tokens,
            MaxTokens = maxTokens,
            CutToFit = cutToFit,
            Temperature = (float)(fields.Number("temperature", 0, 2) ?? 1),
            TopP = (float)(fields.Number("top_p", 0, 1, above: true) ?? 1),
            Seed = unchecked((ulong?)fields.Integer("seed", long.MinValue, long.MaxValue)),
            Stop = Stop(fields),
            Quality = (float?)quality,
            ExpertsBudget = budget,
        };
        bool stream = fields.Flag("stream") ?? false;
        return new CompletionInput(request, stream, stream && Usage(fields), fields.Flag("include_experts") ?? false);
    }

    /// <summary>Refuses another model than the one that is served, or one that does not generate.</summary>
    public static void CheckModel(JsonFields fields, ServedModelInfo model)
    {
        string asked = fields.Text("model", 0, MaxNameCharacters) ?? model.Name;
        if (asked != model.Name)
        {
            throw new ProblemException(Problems.ModelNotFound(asked, model.Name));
        }

        if (!model.Generates)
        {
            throw new ProblemException(Problems.DoesNotGenerate(model.Name));
        }
    }

    private static double? Budget(JsonFields fields, ServedModelInfo model)
    {
        // One budget holds for all layers.
        double least = model.Layers.Count == 0 ? 0 : model.Layers.Max(l => l.MinExperts);
        double most = model.Layers.Count == 0 ? 0 : model.Layers.Min(l => l.TrainedExperts);
        return fields.Number("experts_budget", least, most);
    }

    private static IReadOnlyList<string> Stop(JsonFields fields)
    {
        if (fields.Raw("stop") is not { } stop)
        {
            return [];
        }

        if (stop.ValueKind == JsonValueKind.String)
        {
            return [JsonFields.Text(stop, "stop", 1, MaxStopCharacters)];
        }

        JsonFields.Require(stop, "stop", JsonValueKind.Array, "a text or an array of texts");
        Expect.Valid(stop.GetArrayLength() <= MaxStops, "stop", $"stop has {stop.GetArrayLength()} texts, at most {MaxStops} are allowed.");
        return [.. stop.EnumerateArray().Select((text, i) => JsonFields.Text(text, $"stop[{i}]", 1, MaxStopCharacters))];
    }

    private static bool Usage(JsonFields fields) =>
        fields.Raw("stream_options") is { } options && (new JsonFields(options, "stream_options", ["include_usage"], strict: false).Flag("include_usage") ?? false);

    // A field that would change the answer is refused rather than ignored, unless it has the value that changes nothing.
    private static void RefuseUnsupported(JsonFields fields)
    {
        Neutral(fields, "n", v => v.ValueKind == JsonValueKind.Number && v.TryGetInt32(out int n) && n == 1, "1");
        Neutral(fields, "presence_penalty", IsZero, "0");
        Neutral(fields, "frequency_penalty", IsZero, "0");
        Neutral(fields, "logit_bias", v => v.ValueKind == JsonValueKind.Object && !v.EnumerateObject().Any(), "{}");
    }

    /// <summary>Refuses a field that has another value than the one given.</summary>
    public static void Neutral(JsonFields fields, string name, Func<JsonElement, bool> allowed, string needed)
    {
        if (fields.Raw(name) is { } value && !allowed(value))
        {
            throw new ProblemException(Problems.Unsupported(name, $"{name} is {Printable.Cut(value.GetRawText())}, only {needed} is supported."));
        }
    }

    private static bool IsZero(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number == 0;
}
