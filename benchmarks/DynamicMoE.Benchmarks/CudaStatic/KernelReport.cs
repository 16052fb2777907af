using System.Text.Json.Serialization;

namespace DynamicMoE.Benchmarks.CudaStatic;

/// <summary>What NVIDIA's assembler makes of one kernel. The committed budget file has the same figures, as upper limits.</summary>
internal sealed record KernelReport
{
    /// <summary>Threads of a block, from the PTX.</summary>
    [JsonPropertyName("threads")]
    public required int Threads { get; init; }

    /// <summary>Per thread.</summary>
    [JsonPropertyName("registers")]
    public required int Registers { get; init; }

    /// <summary>Static shared memory of a block, bytes.</summary>
    [JsonPropertyName("shared")]
    public required int Shared { get; init; }

    /// <summary>Bytes of spill stores and loads.</summary>
    [JsonPropertyName("spills")]
    public required int Spills { get; init; }

    /// <summary>Instructions of the classes that matter, in the kernel's text.</summary>
    [JsonPropertyName("instructions")]
    public required SortedDictionary<string, int> Instructions { get; init; }
}
