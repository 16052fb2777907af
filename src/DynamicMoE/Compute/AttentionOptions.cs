namespace DynamicMoE.Compute;

/// <summary>Shape of one attention call.</summary>
public readonly record struct AttentionOptions
{
    /// <summary>Query heads, a multiple of <see cref="KvHeads"/>.</summary>
    public required int QueryHeads { get; init; }

    /// <summary>Key and value heads, at least 1.</summary>
    public required int KvHeads { get; init; }

    /// <summary>Size of a head, 1..1024.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Factor on the scores, finite and above 0.</summary>
    public required float Scale { get; init; }

    /// <summary>Cache position of the first query, at least 0. Keys 0..FirstPosition+queries-1 exist.</summary>
    public long FirstPosition { get; init; }

    /// <summary>Elements between positions in keys and values, at least KvHeads * HeadDim; 0 = exactly that.</summary>
    public long CacheStride { get; init; }

    /// <summary>Keys visible to a query, its own included; 0 = all before it.</summary>
    public int Window { get; init; }

    /// <summary>Most threads to use; 0 = the pool's.</summary>
    public int Threads { get; init; }

    /// <summary>Instruction-set level of the kernels.</summary>
    public InstructionSet Isa { get; init; }
}
