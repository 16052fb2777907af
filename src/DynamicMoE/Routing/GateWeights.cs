using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using DynamicMoE.Bindings;
using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>A router's gate: weights and the gating rules that they were trained with. Has no other state, so that many routers may share it.</summary>
public sealed class GateWeights : IDisposable
{
    private GateWeights(GateOptions options, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias)
    {
        Options = options;
        HasBias = !bias.IsEmpty;
        Handle = RouterCalls.Create(options, weights, bias);
        Hash = HashOf(options, weights, bias);
    }

    /// <summary>Hidden size.</summary>
    public int InputDim => Options.InputDim;

    /// <summary>Number of experts.</summary>
    public int NumExperts => Options.NumExperts;

    /// <summary>Experts per token in training.</summary>
    public int TrainedExperts => Options.TrainedExperts;

    /// <summary>Names the gate: XXH128 of weights, bias, shape, gate function and group rules. Calibrations are bound to it.</summary>
    public ModelHash Hash { get; }

    internal GateOptions Options { get; }

    internal bool HasBias { get; }

    internal RouterHandle Handle { get; }

    /// <summary>Makes a gate.</summary>
    /// <param name="weights"><c>[NumExperts, InputDim]</c>, row-major, finite; copied.</param>
    /// <param name="bias"><c>[NumExperts]</c>, added to the logits; empty = none. Copied.</param>
    /// <param name="options">Shape and gating rules.</param>
    /// <returns>The gate; dispose it when no router needs it any more.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    /// <exception cref="RoutingValidationException">A length does not fit, or a weight is not finite.</exception>
    /// <exception cref="DynamicMoEMemoryException">The weights do not fit into memory.</exception>
    /// <exception cref="BackendException">The native library or the instruction-set level is not usable here.</exception>
    public static GateWeights Create(ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, GateOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        GateOptions valid = options.Validated();
        if (weights.Length != (long)valid.NumExperts * valid.InputDim)
        {
            throw new RoutingValidationException(
                $"Gate weights have {weights.Length} elements, NumExperts ({valid.NumExperts}) * InputDim ({valid.InputDim}) = {(long)valid.NumExperts * valid.InputDim} are needed.");
        }

        if (!bias.IsEmpty && bias.Length != valid.NumExperts)
        {
            throw new RoutingValidationException($"The gate bias has {bias.Length} elements, 0 or NumExperts ({valid.NumExperts}) are needed.");
        }

        return new GateWeights(valid, weights, bias);
    }

    /// <summary>Makes a gate of random weights, uniform within 1/sqrt(InputDim) as in PyTorch's Linear.</summary>
    /// <param name="options">Shape and gating rules.</param>
    /// <param name="seed">The same seed gives the same weights.</param>
    /// <returns>The gate; dispose it when no router needs it any more.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    /// <exception cref="DynamicMoEMemoryException">The weights do not fit into memory.</exception>
    /// <exception cref="BackendException">The native library or the instruction-set level is not usable here.</exception>
    public static GateWeights CreateRandom(GateOptions options, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(options);
        GateOptions valid = options.Validated();
        float[] weights = Allocate(valid);
        new RandomSource(seed).FillUniform(weights, 1 / MathF.Sqrt(valid.InputDim));
        return new GateWeights(valid, weights, default);
    }

    /// <summary>Makes a gate whose weights are all zero, for layers whose decisions come from outside.</summary>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    /// <exception cref="DynamicMoEMemoryException">The weights do not fit into memory.</exception>
    internal static GateWeights CreateZero(GateOptions options)
    {
        GateOptions valid = options.Validated();
        return new GateWeights(valid, Allocate(valid), default);
    }

    /// <summary>Computes logits without noise. Allocates nothing.</summary>
    /// <param name="hidden">Hidden states, <c>[tokens, InputDim]</c>, row-major, finite.</param>
    /// <param name="tokens">Rows, at least 1.</param>
    /// <param name="logits">[out] <c>[tokens, NumExperts]</c>; must not overlap <paramref name="hidden"/>.</param>
    /// <exception cref="RoutingValidationException">A length does not fit, the spans overlap, or a value is not finite.</exception>
    /// <exception cref="ObjectDisposedException">The gate is disposed.</exception>
    public void Logits(ReadOnlySpan<float> hidden, int tokens, Span<float> logits)
    {
        ThrowIfDisposed();
        Shapes.RequireRows(hidden.Length, tokens, InputDim, nameof(hidden));
        Shapes.RequireRows(logits.Length, tokens, NumExperts, nameof(logits));
        Shapes.RequireApart(hidden, logits, "hidden and logits");
        RouterCalls.Logits(Handle, hidden, tokens, InputDim, logits, NumExperts);
    }

    /// <summary>Gives the memory back once no call or layer uses it. A second call does nothing.</summary>
    public void Dispose() => Handle.Dispose();

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Handle.IsClosed, this);

    private static ModelHash HashOf(GateOptions options, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias)
    {
        var hash = new XxHash128();
        Span<byte> number = stackalloc byte[sizeof(int)];
        foreach (int value in (ReadOnlySpan<int>)
            [options.NumExperts, options.InputDim, (int)options.Gate, options.Groups, options.TopGroups, (int)options.GroupScore, bias.Length])
        {
            BinaryPrimitives.WriteInt32LittleEndian(number, value);
            hash.Append(number);
        }

        hash.Append(MemoryMarshal.AsBytes(weights));
        hash.Append(MemoryMarshal.AsBytes(bias));
        return new ModelHash(hash.GetCurrentHashAsUInt128());
    }

    private static float[] Allocate(GateOptions valid)
    {
        try
        {
            return new float[valid.NumExperts * valid.InputDim];
        }
        catch (OutOfMemoryException error)
        {
            throw new DynamicMoEMemoryException($"Gate weights, NumExperts ({valid.NumExperts}) * InputDim ({valid.InputDim}) floats, do not fit into memory.", error);
        }
    }
}
