using DynamicMoE.Hosting;

namespace DynamicMoE.Server;

/// <summary>A completion as its body has it.</summary>
/// <param name="Request">What is generated.</param>
/// <param name="Stream">Whether the answer is a stream of events.</param>
/// <param name="IncludeUsage">Whether the stream ends with the count of tokens.</param>
/// <param name="IncludeExperts">Whether the experts of each token are told.</param>
internal sealed record CompletionInput(GenerationRequest Request, bool Stream, bool IncludeUsage, bool IncludeExperts)
{
    /// <summary>What the request was read for.</summary>
    public ServedModelInfo Model => Request.Model!;
}
