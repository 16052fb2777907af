using System.Diagnostics;

namespace DynamicMoE.ServiceLoad.Load;

/// <summary>What became of a request.</summary>
internal enum Outcome
{
    /// <summary>A whole answer, and the right one.</summary>
    Answered,

    /// <summary>429 with Retry-After.</summary>
    TooMany,

    /// <summary>503.</summary>
    Unavailable,

    /// <summary>Another status, another request's answer, or a 429 without Retry-After.</summary>
    Wrong,

    /// <summary>The connection ended without a byte of an answer.</summary>
    Closed,

    /// <summary>The connection ended within an answer.</summary>
    Cut,

    /// <summary>No connection could be made.</summary>
    NotConnected,
}

/// <summary>A request and what became of it; times in ticks of the stopwatch.</summary>
/// <param name="Kind">What was asked for.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Begin">Before the first byte was sent.</param>
/// <param name="Sent">After the last byte was handed over; 0: it was not.</param>
/// <param name="First">First byte of the answer; 0: none.</param>
/// <param name="End">End of the answer.</param>
/// <param name="Ceiling">Whether the answer says that overload took experts.</param>
/// <param name="Fault">What is wrong.</param>
internal readonly record struct Sample(CallKind Kind, Outcome Outcome, long Begin, long Sent, long First, long End, bool Ceiling, string? Fault)
{
    public double Milliseconds => Stopwatch.GetElapsedTime(Begin, End).TotalMilliseconds;

    public double FirstMilliseconds => Stopwatch.GetElapsedTime(Begin, First).TotalMilliseconds;
}
