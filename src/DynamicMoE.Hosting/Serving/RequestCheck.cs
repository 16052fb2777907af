using System.Numerics.Tensors;
using System.Security.Cryptography;
using DynamicMoE.Hosting.Generation;
using DynamicMoE.Hosting.Layers;
using DynamicMoE.Hosting.Loading;
using DynamicMoE.Models;

namespace DynamicMoE.Hosting;

/// <summary>Checks requests before they are queued, and makes items of them. The item takes over the caller's use of the model.</summary>
internal static class RequestCheck
{
    private const int MostStops = 4, LongestStop = 256;

    /// <exception cref="ModelExchangedException">The request was made for another model.</exception>
    /// <exception cref="RoutingValidationException">The request does not fit.</exception>
    public static LayerWork Layer(ServedModel model, LayerRequest request, bool forward, ServingSettings settings)
    {
        RequireServed(model, request.Model);
        Range("layer", request.Layer, 0, model.Layers.Count - 1);
        ServedLayer layer = model.Layers[request.Layer];
        Range("tokens", request.Tokens, 1, settings.MaxRequestTokens);
        long needed = (long)request.Tokens * layer.Info.HiddenSize;
        if (request.Hidden.Length != needed)
        {
            throw new RoutingValidationException(
                $"hidden has {request.Hidden.Length} values, {needed} are needed: {request.Tokens} tokens of {layer.Info.HiddenSize}.");
        }

        if (forward && !layer.Info.Forwards)
        {
            throw new RoutingValidationException($"layer {request.Layer} only routes; it has no experts here.");
        }

        if (!request.OutputBuffer.IsEmpty && request.OutputBuffer.Length < needed)
        {
            throw new RoutingValidationException($"output has {request.OutputBuffer.Length} values, {needed} are needed.");
        }

        Finite(request.Hidden.Span, layer.Info.HiddenSize);
        Dials(request.Quality, request.ExpertsBudget, layer.Info);
        if ((request.Quality is not null || request.ExpertsBudget is not null) && !layer.HasDial)
        {
            throw new RoutingValidationException(
                $"quality and experts_budget need a router with a budget; layer {request.Layer} has none (strategy {layer.Core.Strategy}).");
        }

        return new LayerWork
        {
            Model = model,
            Layer = layer,
            Request = request,
            Forward = forward,
            Tokens = request.Tokens,
            Quality = request.Quality ?? (request.ExpertsBudget is double budget ? layer.Dial(budget) : float.NaN),
        };
    }

    /// <exception cref="ModelExchangedException">The request was made for another model.</exception>
    /// <exception cref="RoutingValidationException">The request does not fit, or nothing that generates is served.</exception>
    public static Sequence Sequence(ServedModel model, GenerationRequest request, ServingSettings settings, SequenceMemory memory)
    {
        RequireServed(model, request.Model);
        if (model.Model is not { } decoder || !model.Info.Generates)
        {
            throw new RoutingValidationException($"{model.Info.Name} does not generate; it only routes.");
        }

        int[] prompt = Prompt(decoder, request);
        int positions = model.Info.MaxPositions;
        Range("prompt tokens", prompt.Length, 1, positions - 1);
        Range("prompt tokens", prompt.Length, 1, settings.QueueTokens);
        int wanted = request.CutToFit ? Math.Min(request.MaxTokens, positions - prompt.Length) : request.MaxTokens;
        Range("max_tokens", wanted, 1, positions - prompt.Length);
        Range("temperature", request.Temperature, 0, 2);
        Require(request.TopP is > 0 and <= 1, "top_p", request.TopP, "above 0, at most 1");
        Range("stop", request.Stop.Count, 0, MostStops);
        foreach (string stop in request.Stop)
        {
            Range("length of a stop text", stop?.Length ?? 0, 1, LongestStop);
        }

        if (request.Stop.Count > 0 && decoder.Tokenizer is null)
        {
            throw new RoutingValidationException($"stop needs a tokenizer, which {model.Info.Name} has not.");
        }

        Dials(request.Quality, request.ExpertsBudget, model.Layers[0].Info);
        return new Sequence
        {
            Model = model,
            Request = request,
            Prompt = prompt,
            Tokens = prompt.Length + wanted,
            MaxTokens = wanted,
            Memory = memory,
            Text = decoder.Tokenizer is { } tokenizer ? new AnswerText(tokenizer, request.Stop) : null,
            Sampler = new Models.TokenSampler(new GenerationOptions
            {
                Temperature = request.Temperature,
                TopP = request.TopP,
                Seed = request.Seed is ulong seed ? (int)(uint)(seed ^ (seed >> 32)) : RandomNumberGenerator.GetInt32(int.MaxValue),
            }),
        };
    }

    // The object itself: the same checkpoint loaded again is served with other thresholds, and may have other limits.
    private static void RequireServed(ServedModel model, ServedModelInfo? asked)
    {
        if (asked is not null && !ReferenceEquals(asked, model.Info))
        {
            throw new ModelExchangedException($"The request was made for {asked.Name} as it was loaded at {asked.Loaded:u}; {model.Info.Name} of {model.Info.Loaded:u} is served.");
        }
    }

    private static int[] Prompt(MoEModel model, GenerationRequest request)
    {
        if (request.Prompt is null)
        {
            int[] tokens = request.PromptTokens.ToArray();
            int wrong = tokens.AsSpan().IndexOfAnyExceptInRange(0, model.Config.VocabularySize - 1);
            return wrong < 0
                ? tokens
                : throw new RoutingValidationException($"prompt[{wrong}] is {tokens[wrong]}, between 0 and {model.Config.VocabularySize - 1} is needed.");
        }

        if (!request.PromptTokens.IsEmpty)
        {
            throw new RoutingValidationException("prompt is given as text and as tokens; only one is possible.");
        }

        if (model.Tokenizer is not { } tokenizer)
        {
            throw new RoutingValidationException("prompt is text, but the model has no tokenizer; give token ids.");
        }

        // A chat template writes the begin of a sequence, and the tokenizer puts one in front.
        int[] ids = [.. tokenizer.Encode(request.Prompt)];
        bool doubled = ids.Length > 1 && ids[0] == ids[1] && model.BosToken is { Length: > 0 } begin && request.Prompt.StartsWith(begin, StringComparison.Ordinal);
        return doubled ? ids[1..] : ids;
    }

    private static void Dials(float? quality, double? budget, ServedLayerInfo layer)
    {
        if (quality is not null && budget is not null)
        {
            throw new RoutingValidationException("quality and experts_budget exclude each other.");
        }

        if (quality is float dial)
        {
            Range("quality", dial, 0, 1);
        }

        if (budget is double mean)
        {
            Range("experts_budget", mean, layer.MinExperts, layer.TrainedExperts);
        }
    }

    // The sum of finite values of this number can overflow; of values that are not finite it is never finite.
    private static void Finite(ReadOnlySpan<float> hidden, int dim)
    {
        if (float.IsFinite(TensorPrimitives.SumOfMagnitudes(hidden)))
        {
            return;
        }

        for (int i = 0; i < hidden.Length; i++)
        {
            if (!float.IsFinite(hidden[i]))
            {
                throw new RoutingValidationException($"hidden is {hidden[i]} at token {i / dim}, column {i % dim}; finite values are needed.");
            }
        }
    }

    private static void Range(string name, double value, double low, double high) => Require(value >= low && value <= high, name, value, $"between {low} and {high}");

    private static void Require(bool holds, string name, double value, string range)
    {
        if (!holds)
        {
            throw new RoutingValidationException(FormattableString.Invariant($"{name} is {value}, {range} is needed."));
        }
    }
}
