namespace DynamicMoE.Models;

/// <summary>Gives a session the decisions of a record, chunk by chunk, and refuses another input than the recorded one.</summary>
internal sealed class RoutingReplay(RoutingRecordReader reader) : IRoutingSource
{
    /// <summary>Most experts of a token in the chunk.</summary>
    public int MostExperts => reader.MostExperts;

    /// <summary>Goes to the decisions for a chunk.</summary>
    /// <exception cref="RoutingValidationException">The record has ended, or has another chunk in this place; names both.</exception>
    /// <exception cref="RoutingRecordException">The file is truncated or damaged.</exception>
    public void Next(ReadOnlySpan<int> tokens, int position)
    {
        if (!reader.ReadPass())
        {
            throw new RoutingValidationException($"{reader.Name} has ended; {tokens.Length} tokens at position {position} were not recorded.");
        }

        ReadOnlySpan<int> recorded = reader.TokenIds;
        if (reader.Position != position || recorded.Length != tokens.Length)
        {
            throw new RoutingValidationException(
                $"{reader.Name} has {recorded.Length} tokens at position {reader.Position} where {tokens.Length} tokens at position {position} are run; replay takes the passes and MaxTokens of the recorded run.");
        }

        int same = recorded.CommonPrefixLength(tokens);
        if (same < tokens.Length)
        {
            throw new RoutingValidationException(
                $"{reader.Name} has token {recorded[same]} at position {position + same} where token {tokens[same]} is run: another input was recorded.");
        }
    }

    /// <summary>Runs the i-th block by the recorded decisions.</summary>
    public RoutingReport Run(int index, MoEBlock block, ReadOnlySpan<float> x, int tokens, Span<float> y, RoutingBuffers buffers)
    {
        reader.CopyTo(index, buffers);
        return block.Execute(x, tokens, y, buffers);
    }
}
