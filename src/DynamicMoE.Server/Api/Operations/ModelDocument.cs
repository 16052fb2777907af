using System.Text.Json.Serialization;
using DynamicMoE.Hosting;

namespace DynamicMoE.Server;

/// <summary>A model in OpenAI's shape, with what else is known in <see cref="Dynamicmoe"/>.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Created">When it was loaded, seconds since 1970.</param>
/// <param name="Dynamicmoe">Family, layers and limits.</param>
internal sealed record ModelDocument(string Id, long Created, ModelDetails Dynamicmoe)
{
    public string Object { get; } = "model";

    [JsonPropertyName("owned_by")]
    public string Owner { get; } = "dynamicmoe";

    public static ModelDocument Of(ServedModelInfo model) => new(
        model.Name,
        model.Loaded.ToUnixTimeSeconds(),
        new ModelDetails(
            model.Family,
            model.Format switch { WeightFormat.Float32 => "f32", WeightFormat.BFloat16 => "bf16", WeightFormat.Q8 => "q8", WeightFormat.Q4 => "q4", _ => null },
            model.Hash?.ToString(),
            model.Generates,
            model.ChatTemplate is not null,
            model.MaxPositions,
            [.. model.Layers.Select(l => new LayerDetails(l.Index, l.HiddenSize, l.Experts, l.MinExperts, l.MaxExperts, l.TrainedExperts, l.Forwards))]));
}

/// <summary>What OpenAI's shape has no place for.</summary>
/// <param name="Family">Family, as config.json has it; null: a router without a model.</param>
/// <param name="Format">f32, bf16, q8 or q4; null: a router without a model.</param>
/// <param name="Hash">Hash of the weights, 32 digits; null: a router without a model.</param>
/// <param name="Generates">Whether /v1/completions works.</param>
/// <param name="Chat">Whether /v1/chat/completions works.</param>
/// <param name="MaxPositions">Longest sequence, prompt and answer together.</param>
/// <param name="Layers">Layers with experts.</param>
internal sealed record ModelDetails(string? Family, string? Format, string? Hash, bool Generates, bool Chat, int MaxPositions, IReadOnlyList<LayerDetails> Layers);

/// <summary>A layer with experts.</summary>
/// <param name="Index">What <c>layer</c> is in a request.</param>
/// <param name="HiddenSize">Values per token.</param>
/// <param name="Experts">Experts to choose from.</param>
/// <param name="MinExperts">Fewest experts per token.</param>
/// <param name="MaxExperts">Most experts per token.</param>
/// <param name="TrainedExperts">Experts per token of the training.</param>
/// <param name="Forwards">Whether /v1/forward works.</param>
internal sealed record LayerDetails(int Index, int HiddenSize, int Experts, int MinExperts, int MaxExperts, int TrainedExperts, bool Forwards);

/// <summary>All models: one.</summary>
/// <param name="Data">They.</param>
internal sealed record ModelList(IReadOnlyList<ModelDocument> Data)
{
    public string Object { get; } = "list";
}
