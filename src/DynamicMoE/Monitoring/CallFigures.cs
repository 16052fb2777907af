namespace DynamicMoE;

/// <summary>What a <see cref="CallWindow"/> holds.</summary>
internal sealed record CallFigures
{
    internal required TimeSpan Covered { get; init; }

    internal required CallSums Window { get; init; }

    internal required CallSums Total { get; init; }

    internal required double P50 { get; init; }

    internal required double P95 { get; init; }

    internal required double P99 { get; init; }

    /// <summary>Routes of each expert, as statistics.</summary>
    internal required ExpertUsageStats Usage { get; init; }

    /// <summary>Calls that the service is answerable for.</summary>
    internal long Judged => Window.Served + Window.Errors;

    internal double ErrorRate => Judged == 0 ? 0 : (double)Window.Errors / Judged;

    /// <summary>Mean seconds of a call that was served.</summary>
    internal double MeanSeconds => Window.Served == 0 ? 0 : Window.Seconds / Window.Served;
}

/// <summary>Sums over calls.</summary>
internal struct CallSums
{
    /// <summary>Calls that returned routes.</summary>
    public long Served;

    /// <summary>Calls that failed by the service's fault.</summary>
    public long Errors;

    /// <summary>Calls that failed by the caller's fault.</summary>
    public long Rejected;

    /// <summary>Tokens of served calls.</summary>
    public long Tokens;

    /// <summary>Routes of served calls.</summary>
    public long Routes;

    /// <summary>Time of served calls.</summary>
    public double Seconds;

    internal void Add(in CallSums other)
    {
        Served += other.Served;
        Errors += other.Errors;
        Rejected += other.Rejected;
        Tokens += other.Tokens;
        Routes += other.Routes;
        Seconds += other.Seconds;
    }
}
