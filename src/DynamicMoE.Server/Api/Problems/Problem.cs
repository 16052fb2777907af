namespace DynamicMoE.Server;

/// <summary>What went wrong with a request, as RFC 9457 has it.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Code">Last part of the type; stable, for programs.</param>
/// <param name="Title">The same for people; one per code.</param>
/// <param name="Detail">What is wrong with this request: value and allowed range.</param>
internal sealed record Problem(int Status, string Code, string Title, string Detail)
{
    /// <summary>What all types begin with.</summary>
    public const string TypePrefix = "urn:dynamicmoe:problem:";

    /// <summary>Media type of the document.</summary>
    public const string MediaType = "application/problem+json";

    /// <summary>The field of the body, the header or the query that is wrong; null: none in particular.</summary>
    public string? Field { get; init; }

    /// <summary>Where a JSON text breaks, from 1; null: not a matter of syntax.</summary>
    public (long Line, long Position)? Place { get; init; }

    /// <summary>When another try may succeed; null: not by waiting.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>What the log of the service knows the request by; null: nothing was logged.</summary>
    public string? RequestId { get; init; }
}
