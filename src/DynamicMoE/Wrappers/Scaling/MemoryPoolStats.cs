namespace DynamicMoE;

/// <summary>Native memory that calls work in, kept from call to call.</summary>
public sealed record MemoryPoolStats
{
    /// <summary>Whether there is a <see cref="DynamicRouter"/> inside whose workspaces the figures up to <see cref="ReuseRate"/> are; they are 0 otherwise. Routers
    /// over the same gate share them. A layer that routes in its own native call works in memory that all layers of the process share, which only
    /// <see cref="NativeBytes"/> tells of.</summary>
    public required bool HasWorkspaces { get; init; }

    /// <summary>Workspaces held, those in use included.</summary>
    public required int Workspaces { get; init; }

    /// <summary>Workspaces that calls use now.</summary>
    public required int InUse { get; init; }

    /// <summary>Most in use at a time since the gate was made.</summary>
    public required int MostInUse { get; init; }

    /// <summary>Bytes of the workspaces.</summary>
    public required long Bytes { get; init; }

    /// <summary>Uses by a call since the gate was made.</summary>
    public required long Leases { get; init; }

    /// <summary>Workspaces allocated since the gate was made.</summary>
    public required long Allocations { get; init; }

    /// <summary>Share of uses that needed no allocation, 0 to 1; 0 without uses.</summary>
    public double ReuseRate => Leases == 0 ? 0 : Math.Max(0, 1 - ((double)Allocations / Leases));

    /// <summary>Bytes that the native library holds in the process.</summary>
    public required long NativeBytes { get; init; }

    /// <summary>Allocations of the native library since the process began.</summary>
    public required long NativeAllocations { get; init; }
}
