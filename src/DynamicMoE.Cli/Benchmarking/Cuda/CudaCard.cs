namespace DynamicMoE.Cli.Benchmarking.Cuda;

/// <summary>What a data sheet says of a card: dense rates, without sparsity.</summary>
/// <param name="Name">In the report.</param>
/// <param name="Device">As the driver calls it. Others of the family have other memory and clocks.</param>
/// <param name="Architecture">Compute capability of its cubins, e.g. sm_80.</param>
/// <param name="Multiprocessors">Streaming multiprocessors.</param>
/// <param name="BytesPerSecond">Of device memory.</param>
/// <param name="TensorFlops">bfloat16 on tensor cores, sums in float32.</param>
/// <param name="Float32Flops">Outside tensor cores.</param>
/// <param name="L2Bytes">Level-2 cache.</param>
/// <param name="Source">Where the numbers are from.</param>
internal sealed record CudaCard(
    string Name,
    string Device,
    string Architecture,
    int Multiprocessors,
    double BytesPerSecond,
    double TensorFlops,
    double Float32Flops,
    long L2Bytes,
    string Source)
{
    private const long MiB = 1 << 20;

    /// <summary>The cards of the report.</summary>
    public static IReadOnlyList<CudaCard> All { get; } =
    [
        new("A100", "NVIDIA A100-SXM4-80GB", "sm_80", 108, 2039e9, 312e12, 19.5e12, 40 * MiB, "NVIDIA A100 80GB SXM data sheet"),
        new("H100", "NVIDIA H100 80GB HBM3", "sm_90", 132, 3350e9, 989e12, 67e12, 50 * MiB, "NVIDIA H100 SXM data sheet, half of the figures with sparsity"),
        new("L4", "NVIDIA L4", "sm_89", 58, 300e9, 121e12, 30.3e12, 48 * MiB, "NVIDIA L4 data sheet, half of the figures with sparsity"),
    ];

    /// <summary>The card of a device: by its data sheet where that is one of the report's, else by what the driver says; null when that does not suffice.</summary>
    public static CudaCard? Of(CudaDeviceInfo device) =>
        All.FirstOrDefault(card => card.Device == device.Name) ?? CudaDeviceCard.Of(device);
}
