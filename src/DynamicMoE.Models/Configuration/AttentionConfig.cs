namespace DynamicMoE.Models;

/// <summary>Shape and conventions of grouped-query attention.</summary>
public sealed record AttentionConfig
{
    /// <summary>Query heads.</summary>
    /// <value>A multiple of <see cref="KeyValueHeads"/>.</value>
    public required int QueryHeads { get; init; }

    /// <summary>Key and value heads.</summary>
    /// <value>At least 1.</value>
    public required int KeyValueHeads { get; init; }

    /// <summary>Elements of a head.</summary>
    /// <value>Even, between 2 and 1024.</value>
    public required int HeadSize { get; init; }

    /// <summary>Whether the query, key and value projections have a bias.</summary>
    public bool QkvBias { get; init; }

    /// <summary>Whether the output projection has a bias.</summary>
    public bool OutputBias { get; init; }

    /// <summary>Norm of queries and keys.</summary>
    public QueryKeyNorm Norm { get; init; }

    /// <summary>Largest absolute value of queries, keys and values, or null for no limit.</summary>
    public float? ClipQkv { get; init; }

    /// <summary>Keys that a query sees, its own included, or null for all before it.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>Base of the rotary frequencies.</summary>
    /// <value>Above 0.</value>
    public required double RopeTheta { get; init; }

    /// <summary>Width of the query projection.</summary>
    public int QueryWidth => QueryHeads * HeadSize;

    /// <summary>Width of the key and of the value projection.</summary>
    public int KeyValueWidth => KeyValueHeads * HeadSize;
}
