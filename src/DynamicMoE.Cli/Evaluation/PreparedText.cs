using DynamicMoE.Cli.Text;

namespace DynamicMoE.Cli.Evaluation;

/// <summary>The text of an evaluation as a model's tokens.</summary>
/// <param name="Info">What the output says about it.</param>
/// <param name="Tokens">Tokens that are scored, the first excepted.</param>
/// <param name="Bytes">UTF-8 bytes of the scored tokens.</param>
/// <param name="Warmup">Tokens of other text.</param>
internal sealed record PreparedText(EvaluationTextInfo Info, int[] Tokens, long Bytes, int[] Warmup)
{
    /// <summary>Finds and tokenizes the text.</summary>
    /// <param name="model">Whose tokens.</param>
    /// <param name="path">File, or null.</param>
    /// <param name="maxBytes">Most bytes to score.</param>
    /// <exception cref="ToolException">The file is missing, too short or not UTF-8.</exception>
    public static PreparedText Load(IEvaluationModel model, string? path, int maxBytes)
    {
        EvaluationText text = EvaluationText.Load(path, maxBytes);
        int[] tokens = model.Tokenize(Utf8Text.Decode(text.Scored.Span, text.Source));
        int[] warmup = model.Tokenize(Utf8Text.Decode(text.Warmup.Span, text.WarmupSource));

        // The first token has nothing before it, so its bytes are not scored.
        long bytes = tokens.Length < 2 ? 0 : text.Scored.Length - model.FirstTokenBytes(tokens);
        if (bytes <= 0)
        {
            throw new ToolException($"{text.Source} has {tokens.Length} tokens, at least 2 are needed");
        }

        return new PreparedText(
            new EvaluationTextInfo
            {
                Source = text.Source,
                Bytes = text.Scored.Length,
                Tokens = tokens.Length,
                WarmupSource = text.WarmupSource,
                WarmupBytes = text.Warmup.Length,
            },
            tokens,
            bytes,
            warmup);
    }
}
