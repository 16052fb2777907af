namespace DynamicMoE;

/// <summary>Experts that a router may choose until further notice. Readers see whole states and never wait.</summary>
internal sealed class UsableExperts(int experts)
{
    private readonly Lock _writer = new();

    // Null while all are usable; else never changed once it is published.
    private byte[]? _mask;

    /// <summary>0 = not usable; empty = all are usable.</summary>
    internal ReadOnlySpan<byte> Mask => Volatile.Read(ref _mask);

    /// <summary>Joins the state with a call's own mask.</summary>
    /// <param name="own">The call's mask, or empty.</param>
    /// <param name="scratch">Holds the result when both are given.</param>
    /// <returns>0 = not usable; empty = all are usable.</returns>
    internal ReadOnlySpan<byte> And(ReadOnlySpan<byte> own, RouteScratch scratch)
    {
        ReadOnlySpan<byte> mask = Mask;
        if (mask.IsEmpty || own.IsEmpty)
        {
            return mask.IsEmpty ? own : mask;
        }

        Span<byte> both = scratch.Mask(experts);
        for (int expert = 0; expert < experts; expert++)
        {
            both[expert] = own[expert] == 0 ? (byte)0 : mask[expert];
        }

        return both;
    }

    /// <summary>Takes an expert out or puts it back.</summary>
    /// <param name="expert">The expert.</param>
    /// <param name="usable">Whether it may be chosen.</param>
    /// <param name="least">Usable experts below which nothing is changed.</param>
    /// <param name="left">[out] Usable experts after the call; where it was refused, those that it would have left.</param>
    /// <returns>Whether the state changed; null when it was refused.</returns>
    internal bool? TrySet(int expert, bool usable, int least, out int left)
    {
        lock (_writer)
        {
            var mask = new byte[experts];
            Mask.CopyTo(mask);
            if (Mask.IsEmpty)
            {
                Array.Fill(mask, (byte)1);
            }

            bool changes = (mask[expert] != 0) != usable;
            mask[expert] = usable ? (byte)1 : (byte)0;
            left = experts - mask.AsSpan().Count((byte)0);
            if (!changes || left < least)
            {
                return changes ? null : false;
            }

            Volatile.Write(ref _mask, left == experts ? null : mask);
            return true;
        }
    }
}
