using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>Memory held, in bytes.</summary>
/// <param name="Process">Working set of the process.</param>
/// <param name="Managed">Managed heap.</param>
/// <param name="Native">What the native library holds; 0 where it is not loaded.</param>
internal readonly record struct MemoryReading(long Process, long Managed, long Native)
{
    internal static MemoryReading Now() => new(Environment.WorkingSet, GC.GetTotalMemory(forceFullCollection: false), RuntimeCalls.AllocatedBytes);

    internal static double Mib(long bytes) => bytes / (1024.0 * 1024.0);

    internal void Publish()
    {
        MonitoringInstruments.Memory.Record(Process, Kind("process"));
        MonitoringInstruments.Memory.Record(Managed, Kind("managed"));
        MonitoringInstruments.Memory.Record(Native, Kind("native"));
    }

    private static KeyValuePair<string, object?> Kind(string kind) => new("kind", kind);
}
