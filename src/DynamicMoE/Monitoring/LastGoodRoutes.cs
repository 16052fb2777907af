namespace DynamicMoE;

/// <summary>Keeps the choice of the last token that was routed, and gives it to whole batches. Safe for many threads; allocates nothing.</summary>
/// <param name="slots">Most experts of a token.</param>
internal sealed class LastGoodRoutes(int slots)
{
    private readonly Lock _gate = new();
    private readonly int[] _ids = new int[slots];
    private readonly float[] _weights = new float[slots];
    private readonly float[] _gaps = new float[slots];
    private int _count;
    private float _score;

    internal void Remember(RoutingBuffers routing, int tokens)
    {
        int token = tokens - 1;
        int at = token * routing.Slots;
        int count = routing.ExpertsPerToken[token];
        if (count == 0)
        {
            return;
        }

        lock (_gate)
        {
            _count = count;
            _score = routing.ComplexityScores[token];
            routing.ExpertIndices.AsSpan(at, count).CopyTo(_ids);
            routing.ExpertWeights.AsSpan(at, count).CopyTo(_weights);
            routing.Gaps.AsSpan(at, count).CopyTo(_gaps);
        }
    }

    /// <summary>Writes the choice for every token.</summary>
    /// <param name="tokens">Tokens of the batch.</param>
    /// <param name="least">Experts that must be left.</param>
    /// <param name="mask">Usable experts, 0 = not usable; empty = all.</param>
    /// <param name="most">Most distinct experts.</param>
    /// <param name="routing">[out] The routes; unchanged when there are none.</param>
    /// <param name="report">[out] Figures of the batch.</param>
    /// <returns>False when there is no choice, or it does not do.</returns>
    internal bool TryWrite(int tokens, int least, ReadOnlySpan<byte> mask, int most, RoutingBuffers routing, out RoutingReport report)
    {
        lock (_gate)
        {
            int used = 0;
            float kept = 0, all = 0;
            for (int i = 0; i < _count; i++)
            {
                bool usable = mask.IsEmpty || mask[_ids[i]] != 0;
                used += usable ? 1 : 0;
                kept += usable ? _weights[i] : 0;
                all += _weights[i];
            }

            report = new RoutingReport(tokens, (long)tokens * used, used, tokens, 0, 0);
            if (used == 0 || used < least || used > most || !(kept > 0))
            {
                return false;
            }

            // What masked experts had goes to the others, so that the output keeps its size.
            WriteFirst(mask, all / kept, routing);
        }

        Repeat(tokens, routing);
        return true;
    }

    private void WriteFirst(ReadOnlySpan<byte> mask, float scale, RoutingBuffers routing)
    {
        int used = 0;
        for (int i = 0; i < _count; i++)
        {
            if (mask.IsEmpty || mask[_ids[i]] != 0)
            {
                routing.ExpertIndices[used] = _ids[i];
                routing.ExpertWeights[used] = mask.IsEmpty ? _weights[i] : _weights[i] * scale;
                routing.Gaps[used++] = _gaps[i];
            }
        }

        routing.ExpertIndices.AsSpan(used, routing.Slots - used).Fill(-1);
        routing.ExpertWeights.AsSpan(used, routing.Slots - used).Clear();
        routing.Gaps.AsSpan(used, routing.Slots - used).Fill(float.PositiveInfinity);
        routing.ExpertsPerToken[0] = used;
        routing.ComplexityScores[0] = _score;
    }

    private static void Repeat(int tokens, RoutingBuffers routing)
    {
        int width = routing.Slots;
        for (int token = 1; token < tokens; token++)
        {
            routing.ExpertIndices.AsSpan(0, width).CopyTo(routing.ExpertIndices.AsSpan(token * width));
            routing.ExpertWeights.AsSpan(0, width).CopyTo(routing.ExpertWeights.AsSpan(token * width));
            routing.Gaps.AsSpan(0, width).CopyTo(routing.Gaps.AsSpan(token * width));
        }

        routing.ExpertsPerToken.AsSpan(1, tokens - 1).Fill(routing.ExpertsPerToken[0]);
        routing.ComplexityScores.AsSpan(1, tokens - 1).Fill(routing.ComplexityScores[0]);
        Array.Clear(routing.ExpertRoutes);
        foreach (int expert in routing.IndicesOf(0))
        {
            routing.ExpertRoutes[expert] = tokens;
        }

        routing.RouterLogits.AsSpan(0, routing.HasLogits ? tokens * routing.NumExperts : 0).Clear();
    }
}
