namespace DynamicMoE;

/// <summary>Weights of one expert, handed to <see cref="ExpertBank.SetExpert"/>, which copies them.</summary>
public ref struct ExpertWeights
{
    private ExpertWeights(WeightType type, ReadOnlySpan<byte> gate, ReadOnlySpan<byte> up, ReadOnlySpan<byte> down)
    {
        Type = type;
        Gate = gate;
        Up = up;
        Down = down;
    }

    /// <summary>Bias of the gate projection, <c>[width]</c>; empty = none.</summary>
    public ReadOnlySpan<float> GateBias { get; set; }

    /// <summary>Bias of the up projection, <c>[width]</c>; empty = none.</summary>
    public ReadOnlySpan<float> UpBias { get; set; }

    /// <summary>Bias of the down projection, <c>[hidden]</c>; empty = none.</summary>
    public ReadOnlySpan<float> DownBias { get; set; }

    internal readonly WeightType Type { get; }

    internal readonly ReadOnlySpan<byte> Gate { get; }

    internal readonly ReadOnlySpan<byte> Up { get; }

    internal readonly ReadOnlySpan<byte> Down { get; }

    /// <summary>Weights in float32.</summary>
    /// <param name="gate"><c>[width, hidden]</c> for SwiGlu, else empty.</param>
    /// <param name="up"><c>[width, hidden]</c>; Linear: <c>[hidden, hidden]</c>.</param>
    /// <param name="down"><c>[hidden, width]</c>; empty for Linear.</param>
    /// <returns>A view of the spans.</returns>
    /// <exception cref="RoutingValidationException">A span has more than 2^31 - 1 bytes.</exception>
    public static ExpertWeights FromFloat32(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, ReadOnlySpan<float> down) =>
        new(WeightType.Float32, Bytes(gate, nameof(gate)), Bytes(up, nameof(up)), Bytes(down, nameof(down)));

    /// <summary>Weights in bfloat16, given by their bits.</summary>
    /// <param name="gate"><c>[width, hidden]</c> for SwiGlu, else empty.</param>
    /// <param name="up"><c>[width, hidden]</c>; Linear: <c>[hidden, hidden]</c>.</param>
    /// <param name="down"><c>[hidden, width]</c>; empty for Linear.</param>
    /// <returns>A view of the spans.</returns>
    /// <exception cref="RoutingValidationException">A span has more than 2^31 - 1 bytes.</exception>
    public static ExpertWeights FromBFloat16(ReadOnlySpan<ushort> gate, ReadOnlySpan<ushort> up, ReadOnlySpan<ushort> down) =>
        new(WeightType.BFloat16, Bytes(gate, nameof(gate)), Bytes(up, nameof(up)), Bytes(down, nameof(down)));

    /// <summary>Weights in IEEE binary16.</summary>
    /// <param name="gate"><c>[width, hidden]</c> for SwiGlu, else empty.</param>
    /// <param name="up"><c>[width, hidden]</c>; Linear: <c>[hidden, hidden]</c>.</param>
    /// <param name="down"><c>[hidden, width]</c>; empty for Linear.</param>
    /// <returns>A view of the spans.</returns>
    /// <exception cref="RoutingValidationException">A span has more than 2^31 - 1 bytes.</exception>
    public static ExpertWeights FromFloat16(ReadOnlySpan<Half> gate, ReadOnlySpan<Half> up, ReadOnlySpan<Half> down) =>
        new(WeightType.Float16, Bytes(gate, nameof(gate)), Bytes(up, nameof(up)), Bytes(down, nameof(down)));

    /// <exception cref="RoutingValidationException">A span has the wrong length for the bank.</exception>
    internal readonly void RequireFit(ExpertBankOptions bank)
    {
        int size = Type == WeightType.Float32 ? sizeof(float) : sizeof(ushort);
        long matrix = (long)bank.Width * bank.Hidden;
        Require(Gate.Length / size, bank.Kind == ExpertKind.SwiGlu ? matrix : 0, "gate");
        Require(Up.Length / size, matrix, "up");
        Require(Down.Length / size, bank.Kind == ExpertKind.Linear ? 0 : matrix, "down");
        RequireBias(GateBias.Length, bank.UseBias && bank.Kind == ExpertKind.SwiGlu, bank.Width, nameof(GateBias));
        RequireBias(UpBias.Length, bank.UseBias, bank.Width, nameof(UpBias));
        RequireBias(DownBias.Length, bank.UseBias && bank.Kind != ExpertKind.Linear, bank.Hidden, nameof(DownBias));
    }

    private static ReadOnlySpan<byte> Bytes<T>(ReadOnlySpan<T> values, string name)
        where T : unmanaged => Shapes.Bytes(values, $"Expert weights: {name}");

    private static void Require(int length, long expected, string name)
    {
        if (length != expected)
        {
            throw new RoutingValidationException($"Expert weights: {name} has {length} elements, {expected} are needed.");
        }
    }

    private static void RequireBias(int length, bool allowed, int expected, string name)
    {
        if (length != 0 && (!allowed || length != expected))
        {
            throw new RoutingValidationException(
                $"Expert weights: {name} has {length} elements, {(allowed ? $"0 or {expected} are" : "this kind of bank takes none, 0 is")} needed.");
        }
    }
}
