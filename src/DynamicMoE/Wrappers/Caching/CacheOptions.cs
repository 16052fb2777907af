using Microsoft.Extensions.Logging;

namespace DynamicMoE;

/// <summary>Options of <see cref="CachedRouter"/>. Checked when the router is built; later changes have no effect on it.</summary>
public sealed class CacheOptions
{
    // One row in each of the store's three queues.
    private const int SmallestSize = 3;

    /// <summary>Most rows held. A row takes 4 * (InputDim + NumExperts) bytes and about 200 more.</summary>
    /// <value>Between 3 and 16777216. The default is 1000.</value>
    public int Size { get; set; } = 1000;

    /// <summary>Whether the size follows what the cache is worth, between <see cref="MinSize"/> and <see cref="Size"/>.</summary>
    /// <value>The default is true.</value>
    public bool Adaptive { get; set; } = true;

    /// <summary>Fewest rows that adaptive sizing goes down to.</summary>
    /// <value>Between 3 and <see cref="Size"/>. The default, null, is a sixteenth of <see cref="Size"/>, at least 3.</value>
    public int? MinSize { get; set; }

    /// <summary>How long a row is used before it is computed anew. Gate weights never change, so that it bounds how long hidden states are kept.</summary>
    /// <value>Between 1 millisecond and 365 days. The default is 300 seconds.</value>
    public TimeSpan TimeToLive { get; set; } = TimeSpan.FromSeconds(300);

    /// <summary>When rows are taken from the cache.</summary>
    /// <value>The default is <see cref="CacheMode.Serve"/>.</value>
    public CacheMode Mode { get; set; }

    /// <summary>The clock of <see cref="TimeToLive"/> and of what is measured.</summary>
    /// <value>The default is that of the system.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Receives a message when the cache begins to pay and when it stops.</summary>
    /// <value>The default is null: none.</value>
    public ILogger? Logger { get; set; }

    /// <summary><see cref="MinSize"/> with its default.</summary>
    internal int LeastSize => MinSize ?? Math.Max(SmallestSize, Size / 16);

    internal CacheOptions Validated()
    {
        new OptionRules(nameof(CacheOptions))
            .Range(nameof(Size), Size, SmallestSize, Limits.MaxBatchTokens)
            .Range(nameof(MinSize), LeastSize, SmallestSize, Math.Max(SmallestSize, Size))
            .Require(
                TimeToLive >= TimeSpan.FromMilliseconds(1) && TimeToLive <= TimeSpan.FromDays(365),
                $"TimeToLive ({TimeToLive}) is outside 00:00:00.001..365.00:00:00.")
            .Defined(nameof(Mode), Mode)
            .Require(TimeProvider is not null, $"TimeProvider must not be null.")
            .ThrowIfBroken();
        return (CacheOptions)MemberwiseClone();
    }
}
