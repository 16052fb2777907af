using DynamicMoE.Bindings;
using DynamicMoE.Native;
using Microsoft.Win32.SafeHandles;

namespace DynamicMoE;

/// <summary>Native experts: packed weights that a layer runs. Fill every expert before a layer is built; do not change one while a layer runs.</summary>
public sealed class ExpertBank : IDisposable
{
    private const int Alignment = 64;

    private readonly ExpertBankOptions _options;

    private ExpertBank(ExpertBankOptions options, ExpertsHandle handle)
    {
        _options = options;
        Handle = handle;
        BytesPerExpert = ExpertCalls.BytesPerExpert(handle);
    }

    /// <summary>Number of experts.</summary>
    public int NumExperts => _options.NumExperts;

    /// <summary>Hidden size.</summary>
    public int Hidden => _options.Hidden;

    /// <summary>Inner size of an expert.</summary>
    public int Width => _options.Width;

    /// <summary>The function inside an expert.</summary>
    public ExpertKind Kind => _options.Kind;

    /// <summary>How weights are kept.</summary>
    public WeightFormat Format => _options.Format;

    /// <summary>Whether experts have biases.</summary>
    public bool UseBias => _options.UseBias;

    /// <summary>Packed bytes that one expert's weights take, padding included.</summary>
    public long BytesPerExpert { get; }

    /// <summary>Packed bytes of all experts: what <see cref="WritePacked"/> writes.</summary>
    public long PackedBytes => BytesPerExpert * NumExperts;

    /// <summary>Number of the layout of packed weights; another number means other bytes. It is the same at every instruction-set level.</summary>
    /// <exception cref="BackendException">The native library is not usable here.</exception>
    public static int PackedLayoutVersion => ExpertCalls.PackedLayoutVersion();

    /// <summary>Floating-point operations of one expert on one token: two per weight.</summary>
    public long FlopsPerToken => 2L * Hidden * Width * Kind switch
    {
        ExpertKind.SwiGlu => 3,
        ExpertKind.Linear => 1,
        _ => 2,
    };

    internal InstructionSet Isa => _options.Isa;

    internal ExpertsHandle Handle { get; }

    /// <summary>Makes a bank without weights.</summary>
    /// <param name="options">Shape and storage.</param>
    /// <returns>The bank; dispose it when no layer needs it any more.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    /// <exception cref="DynamicMoEMemoryException">The weights do not fit into memory.</exception>
    /// <exception cref="BackendException">The native library or the instruction-set level is not usable here.</exception>
    public static ExpertBank Create(ExpertBankOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ExpertBankOptions valid = options.Validated();
        return new ExpertBank(valid, ExpertCalls.Create(valid));
    }

    /// <summary>Makes a bank of random weights, uniform within 1/sqrt(inputs) as in PyTorch's Linear.</summary>
    /// <param name="options">Shape and storage.</param>
    /// <param name="seed">The same seed gives the same weights.</param>
    /// <returns>The bank; dispose it when no layer needs it any more.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range, or a matrix has more than 536870911 elements, 2^31 - 1 bytes.</exception>
    /// <exception cref="DynamicMoEMemoryException">The weights do not fit into memory.</exception>
    /// <exception cref="BackendException">The native library or the instruction-set level is not usable here.</exception>
    public static ExpertBank CreateRandom(ExpertBankOptions options, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(options);
        RandomExperts.Check(options.Validated());
        ExpertBank bank = Create(options);
        try
        {
            RandomExperts.Fill(bank, new RandomSource(seed));
            return bank;
        }
        catch (OutOfMemoryException error)
        {
            bank.Dispose();
            throw new DynamicMoEMemoryException($"One expert's random weights, Width ({options.Width}) * Hidden ({options.Hidden}) floats per matrix, do not fit into memory.", error);
        }
        catch
        {
            bank.Dispose();
            throw;
        }
    }

    /// <summary>Makes a bank that reads packed weights in a mapped file where they lie; nothing is copied, and a page is read when an expert first uses it.</summary>
    /// <remarks>Values are not looked at: bytes that are not packed weights give wrong outputs or an <see cref="ExpertDispatchException"/>.</remarks>
    /// <param name="options">Shape and storage that the weights were packed with; the instruction-set level may differ.</param>
    /// <param name="file">The mapping; it may be disposed afterwards, the bank keeps it.</param>
    /// <param name="offset">First byte, a multiple of 64.</param>
    /// <param name="length">Bytes, exactly what <see cref="WritePacked"/> wrote under the same <see cref="PackedLayoutVersion"/>.</param>
    /// <returns>The bank, complete; dispose it when no layer needs it any more.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> or <paramref name="file"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the file, or is empty.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    /// <exception cref="RoutingValidationException">The length is not that of these options, or the offset is not aligned; names the value.</exception>
    /// <exception cref="DynamicMoEMemoryException">The bank itself, without its weights, does not fit into memory.</exception>
    /// <exception cref="BackendException">The native library or the instruction-set level is not usable here.</exception>
    /// <exception cref="ObjectDisposedException">The mapping is disposed.</exception>
    public static ExpertBank FromMapped(ExpertBankOptions options, MappedFile file, long offset, long length)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(file);
        ExpertBankOptions valid = options.Validated();
        SafeMemoryMappedViewHandle view = file.View(offset, length);

        // A mapping begins at a page, so that the offset decides.
        return offset % Alignment == 0
            ? new ExpertBank(valid, ExpertCalls.CreateMapped(valid, view, offset, length))
            : throw new RoutingValidationException($"offset ({offset}) is not a multiple of {Alignment}.");
    }

    /// <summary>Packs one expert's weights.</summary>
    /// <param name="index">The expert, 0..<see cref="NumExperts"/>-1.</param>
    /// <param name="weights">Its weights, finite; copied.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="index"/> is outside its range.</exception>
    /// <exception cref="RoutingValidationException">A matrix has the wrong length or holds NaN, infinity or a magnitude that the format cannot hold (8319008 in q8, 458528 in q4).</exception>
    /// <exception cref="RouterConfigurationException">The bank is mapped: its weights cannot be changed.</exception>
    /// <exception cref="ObjectDisposedException">The bank is disposed.</exception>
    public void SetExpert(int index, ExpertWeights weights)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, NumExperts);
        ObjectDisposedException.ThrowIf(Handle.IsClosed, this);
        weights.RequireFit(_options);
        ExpertCalls.Set(Handle, index, in weights);
    }

    /// <summary>Writes the packed weights of all experts, for <see cref="FromMapped"/>.</summary>
    /// <param name="destination">Receives <see cref="PackedBytes"/> bytes.</param>
    /// <exception cref="ArgumentNullException"><paramref name="destination"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An expert has no weights yet. Nothing was written.</exception>
    /// <exception cref="ObjectDisposedException">The bank is disposed.</exception>
    public void WritePacked(Stream destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        ObjectDisposedException.ThrowIf(Handle.IsClosed, this);
        ExpertCalls.WritePacked(Handle, destination);
    }

    /// <summary>Gives the memory back once no layer uses it. A second call does nothing.</summary>
    public void Dispose() => Handle.Dispose();
}
