using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>Checks what a caller supplied beside the hidden states and adds it to the decisions' parameters.</summary>
internal static class ContextRules
{
    /// <exception cref="RoutingValidationException">A length or a value does not fit.</exception>
    internal static void Apply(RoutingContext context, int tokens, int experts, ref RouteParams parameters)
    {
        RequireLength(context.ComplexityScores.Length, tokens, nameof(context.ComplexityScores));
        RequireLength(context.ExpertCounts.Length, tokens, nameof(context.ExpertCounts));
        RequireLength(context.TokenTaus.Length, tokens, nameof(context.TokenTaus));
        RequireLength(context.Positions.Length, tokens, nameof(context.Positions));
        RequireLength(context.ExpertMask.Length, experts, nameof(context.ExpertMask));
        if (context.MaxDistinctExperts < 1)
        {
            throw new RoutingValidationException($"MaxDistinctExperts is {context.MaxDistinctExperts}, at least 1 is needed.");
        }

        RequireUnit(context.ComplexityScores.Span, nameof(context.ComplexityScores));
        RequireUnit(context.TokenTaus.Span, nameof(context.TokenTaus));
        parameters.MaxDistinct = context.MaxDistinctExperts ?? parameters.MaxDistinct;
        parameters.Scores = context.ComplexityScores.Span;
        parameters.Counts = context.ExpertCounts.Span;
        parameters.TokenTaus = context.TokenTaus.Span;
        parameters.Positions = context.Positions.Span;
        parameters.ExpertMask = context.ExpertMask.Span;
    }

    private static void RequireLength(int length, int expected, string name)
    {
        if (length != 0 && length != expected)
        {
            throw new RoutingValidationException($"{name} has {length} elements, 0 or {expected} are needed.");
        }
    }

    private static void RequireUnit(ReadOnlySpan<float> values, string name)
    {
        for (int token = 0; token < values.Length; token++)
        {
            if (values[token] is not (>= 0 and <= 1))
            {
                throw new RoutingValidationException($"{name} of token {token} is {values[token]}, outside 0..1.");
            }
        }
    }
}
