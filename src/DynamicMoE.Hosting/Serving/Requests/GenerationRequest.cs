namespace DynamicMoE.Hosting;

/// <summary>A sequence to be continued.</summary>
public sealed class GenerationRequest
{
    /// <summary>The model that the request was made for, where it depends on one: a prompt by its chat template, tokens, an answer that names it.</summary>
    /// <value>What <see cref="IInferenceService.Model"/> gave; when another one is served by then, the request is refused with <see cref="ModelExchangedException"/>.
    /// Null (the default): whatever is served.</value>
    public ServedModelInfo? Model { get; init; }

    /// <summary>Prompt as text; needs a model with a tokenizer. Exactly one of this and <see cref="PromptTokens"/> is set.</summary>
    public string? Prompt { get; init; }

    /// <summary>Prompt as token ids, 0..vocabulary-1.</summary>
    public ReadOnlyMemory<int> PromptTokens { get; init; }

    /// <summary>Tokens to generate at most.</summary>
    /// <value>At least 1; with the prompt at most the model's positions. The default is 16.</value>
    public int MaxTokens { get; init; } = 16;

    /// <summary>Whether <see cref="MaxTokens"/> is a wish, which is cut to what fits behind the prompt; else what does not fit is refused.</summary>
    /// <value>The default is false.</value>
    public bool CutToFit { get; init; }

    /// <summary>Sampling temperature.</summary>
    /// <value>Between 0 (the most likely token) and 2. The default is 1.</value>
    public float Temperature { get; init; } = 1;

    /// <summary>Nucleus: sample from the most likely tokens that hold this share of probability.</summary>
    /// <value>Above 0, at most 1. The default is 1.</value>
    public float TopP { get; init; } = 1;

    /// <summary>Makes sampling repeatable; null (the default): a random seed.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Texts that end the answer; they are not part of it.</summary>
    /// <value>At most 4, each of 1..256 characters.</value>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>As <see cref="LayerRequest.Quality"/>.</summary>
    /// <value>Between 0 and 1; null (the default): the service's budget.</value>
    public float? Quality { get; init; }

    /// <summary>As <see cref="LayerRequest.ExpertsBudget"/>.</summary>
    /// <value>Between MinExperts and TrainedExperts; null (the default): the service's budget.</value>
    public double? ExpertsBudget { get; init; }
}
