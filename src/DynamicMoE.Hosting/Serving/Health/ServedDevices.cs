using DynamicMoE.Hosting.Loading;
using DynamicMoE.Models;

namespace DynamicMoE.Hosting.Health;

/// <summary>Where the layers of a served model compute.</summary>
/// <param name="Text">The devices.</param>
/// <param name="Left">Why a layer went over to the processor though the model was loaded for a device; null: none did.</param>
internal sealed record ServedDevices(string Text, string? Left)
{
    /// <summary>Asks each device whether it answers.</summary>
    /// <exception cref="BackendException">One does not.</exception>
    internal static ServedDevices Check(ServedModel served)
    {
        IReadOnlyList<MoEBlock> blocks = served.Model?.MoELayers ?? [];
        foreach (MoEBlock block in blocks.DistinctBy(block => block.Device))
        {
            block.CheckDevice();
        }

        MoEBlock? left = blocks.FirstOrDefault(block => block.HasLeftDevice);
        return new ServedDevices(
            string.Join(", ", blocks.Select(block => block.Device.ToString()).Distinct(StringComparer.Ordinal).DefaultIfEmpty("cpu")), left?.DeviceReason);
    }
}
