using System.Globalization;
using System.Numerics.Tensors;
using DynamicMoE.Hosting;

namespace DynamicMoE.Server;

/// <summary>What a route or forward may ask for. The service checks again; nothing that breaks these rules gets that far.</summary>
/// <param name="model">What is served.</param>
/// <param name="maxTokens">Tokens of one request at most.</param>
/// <param name="forward">Whether experts run.</param>
internal readonly struct LayerRules(ServedModelInfo model, int maxTokens, bool forward)
{
    public int MaxTokens => maxTokens;

    /// <summary>The layer, if there is one of this index.</summary>
    public ServedLayerInfo Layer(long index)
    {
        int count = model.Layers.Count;
        if (index < 0 || index >= count)
        {
            throw Refuse("layer", count == 0 ? $"layer is {index}, but the model has no layers with experts." : $"layer is {index}, between 0 and {count - 1} is allowed.");
        }

        ServedLayerInfo layer = model.Layers[(int)index];
        return !forward || layer.Forwards ? layer : throw new ProblemException(Problems.LayerOnlyRoutes(layer.Index));
    }

    /// <summary>Checks tokens and values per token before the values are there.</summary>
    public void CheckSize(ServedLayerInfo layer, long tokens, long dim)
    {
        if (tokens < 1)
        {
            throw Refuse("hidden", $"hidden has {tokens} tokens, between 1 and {maxTokens} are allowed.");
        }

        if (tokens > maxTokens)
        {
            throw new ProblemException(Problems.TooManyTokens(maxTokens));
        }

        if (dim != layer.HiddenSize)
        {
            throw Refuse("hidden", $"hidden has {dim} values per token, layer {layer.Index} takes {layer.HiddenSize}.");
        }
    }

    /// <summary>Checks everything but the values.</summary>
    public void CheckDials(LayerInput input, ServedLayerInfo layer)
    {
        if (input.Quality is { } quality && !(quality >= 0 && quality <= 1))
        {
            throw Refuse("quality", $"quality is {Show(quality)}, a number from 0 to 1 is needed.");
        }

        if (input.ExpertsBudget is { } budget && !(budget >= layer.MinExperts && budget <= layer.TrainedExperts))
        {
            throw Refuse("experts_budget", $"experts_budget is {Show(budget)}, a number from {layer.MinExperts} to {layer.TrainedExperts} is needed.");
        }

        if (input.Quality is not null && input.ExpertsBudget is not null)
        {
            throw Refuse("experts_budget", "quality and experts_budget exclude each other.");
        }

        if (forward && input.IncludeLogits)
        {
            throw Refuse("include_logits", "include_logits is true; only /v1/route returns logits.");
        }
    }

    /// <summary>Checks a request whose values are there.</summary>
    public void Check(LayerInput input)
    {
        ServedLayerInfo layer = Layer(input.Layer);
        CheckSize(layer, input.Tokens, input.Dim);
        CheckDials(input, layer);
        CheckValues(input);
    }

    public static void CheckValues(LayerInput input)
    {
        Span<float> values = input.Hidden.Span;
        if (TensorPrimitives.IsFiniteAll<float>(values))
        {
            return;
        }

        int place = 0;
        while (float.IsFinite(values[place]))
        {
            place++;
        }

        throw Refuse("hidden", $"hidden has {(float.IsNaN(values[place]) ? "NaN" : "an infinity")} at token {place / input.Dim}, value {place % input.Dim}; finite values are needed.");
    }

    private static string Show(double value) => value.ToString(CultureInfo.InvariantCulture);

    private static ProblemException Refuse(string field, string detail) => new(Problems.Invalid(field, detail));
}
