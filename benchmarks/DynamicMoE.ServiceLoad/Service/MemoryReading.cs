using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using DynamicMoE.ServiceLoad.Http;

namespace DynamicMoE.ServiceLoad.Service;

/// <summary>What a service's memory is made of, bytes. Managed figures are those of the last collection, from /metrics.</summary>
/// <param name="Resident">VmRSS.</param>
/// <param name="Committed">What the collector holds of the system.</param>
/// <param name="Heap">Objects and gaps, all generations.</param>
/// <param name="Generations">The same by generation, MB.</param>
internal sealed partial record MemoryReading(long Resident, double Committed, double Heap, string Generations)
{
    /// <summary>Resident memory that is not the collector's: code, stacks, sockets, weights, native buffers.</summary>
    public double Native => Resident - Committed;

    public static async Task<MemoryReading> TakeAsync(ServiceProcess service, CancellationToken cancellation)
    {
        using Connection connection = await Connection.OpenAsync(service.Metrics, cancellation);
        string text = Encoding.UTF8.GetString((await connection.AskAsync(HttpText.Get("/metrics"), cancellation)).Body);
        (string Name, double Bytes)[] generations = [.. HeapSize().Matches(text).Select(match => (match.Groups[1].Value, Number(match.Groups[2].Value)))];
        Match committed = CommittedSize().Match(text);
        return new MemoryReading(
            service.ResidentBytes(),
            committed.Success ? Number(committed.Groups[1].Value) : throw new InvalidDataException("/metrics does not say what the collector holds"),
            generations.Sum(generation => generation.Bytes),
            string.Join(' ', generations.Select(generation => string.Create(CultureInfo.InvariantCulture, $"{generation.Name} {generation.Bytes / 1e6:0.0}"))));
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^dotnet_gc_last_collection_heap_size_bytes\{[^}]*generation=""([a-z0-9]+)""[^}]*\} ([0-9.eE+]+)", RegexOptions.Multiline)]
    private static partial Regex HeapSize();

    [GeneratedRegex(@"^dotnet_gc_last_collection_memory_committed_size_bytes\{[^}]*\} ([0-9.eE+]+)", RegexOptions.Multiline)]
    private static partial Regex CommittedSize();
}
