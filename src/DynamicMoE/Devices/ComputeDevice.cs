using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace DynamicMoE;

/// <summary>Where a layer computes: <c>cpu</c>, <c>cuda:N</c>, or <c>auto</c>.</summary>
public readonly record struct ComputeDevice
{
    private const string AutoName = "auto", CpuName = "cpu", CudaName = "cuda";

    private ComputeDevice(ComputeDeviceKind kind, int index)
    {
        Kind = kind;
        Index = index;
    }

    /// <summary>The processor. The value of <c>default(ComputeDevice)</c>.</summary>
    public static ComputeDevice Cpu { get; }

    /// <summary>The best usable CUDA device, or the processor when there is none.</summary>
    public static ComputeDevice Auto { get; } = new(ComputeDeviceKind.Auto, -1);

    /// <summary>Which kind of device.</summary>
    public ComputeDeviceKind Kind { get; }

    /// <summary>Number of the CUDA device as the driver counts them; -1 for the best one. 0 for the processor.</summary>
    public int Index { get; }

    /// <summary>A CUDA device.</summary>
    /// <param name="index">Its number as the driver counts them, at least 0.</param>
    /// <returns>The device; whether it exists is seen when a layer is built.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="index"/> is negative.</exception>
    public static ComputeDevice Cuda(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        return new ComputeDevice(ComputeDeviceKind.Cuda, index);
    }

    /// <summary>The best usable CUDA device; unlike <see cref="Auto"/> it must exist.</summary>
    /// <returns>The device.</returns>
    public static ComputeDevice Cuda() => new(ComputeDeviceKind.Cuda, -1);

    /// <summary>Reads <c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>, in any case.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The device.</returns>
    /// <exception cref="FormatException">The text is none of these; names it.</exception>
    public static ComputeDevice Parse(string text) =>
        TryParse(text, out ComputeDevice device)
            ? device
            : throw new FormatException($"'{text}' is not a device: auto, cpu, cuda or cuda:N, e.g. cuda:0.");

    /// <summary>Reads <c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>, in any case.</summary>
    /// <param name="text">The text, or null.</param>
    /// <param name="device">[out] The device; <see cref="Cpu"/> when the text is none.</param>
    /// <returns>Whether the text names a device.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, out ComputeDevice device)
    {
        device = Cpu;
        if (string.Equals(text, AutoName, StringComparison.OrdinalIgnoreCase))
        {
            device = Auto;
            return true;
        }

        if (string.Equals(text, CpuName, StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        if (text is null || !text.StartsWith(CudaName, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        ReadOnlySpan<char> rest = text.AsSpan(CudaName.Length);
        if (rest.IsEmpty)
        {
            device = Cuda();
            return true;
        }

        if (rest[0] != ':' || !int.TryParse(rest[1..], NumberStyles.None, CultureInfo.InvariantCulture, out int index))
        {
            return false;
        }

        device = Cuda(index);
        return true;
    }

    /// <summary>The text that <see cref="Parse"/> reads.</summary>
    /// <returns><c>auto</c>, <c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</returns>
    public override string ToString() => Kind switch
    {
        ComputeDeviceKind.Auto => AutoName,
        ComputeDeviceKind.Cuda when Index < 0 => CudaName,
        ComputeDeviceKind.Cuda => string.Create(CultureInfo.InvariantCulture, $"{CudaName}:{Index}"),
        _ => CpuName,
    };
}
