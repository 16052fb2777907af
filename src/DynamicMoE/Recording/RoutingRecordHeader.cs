namespace DynamicMoE;

/// <summary>What a record of routing belongs to. Replayed where all of it is the same, and layers compute on the same device, a run gives the same bits.</summary>
/// <remarks>A record does not hold the device (<see cref="MoELayerOptions.Device"/>): another one is not refused, and outputs then differ within the bounds of the
/// device's kernels.</remarks>
public sealed record RoutingRecordHeader
{
    /// <summary>Hash of the model.</summary>
    public required ModelHash Model { get; init; }

    /// <summary>How experts were kept.</summary>
    public required WeightFormat Format { get; init; }

    /// <summary>Instruction-set level of the run; never <see cref="InstructionSet.Auto"/>.</summary>
    public required InstructionSet Isa { get; init; }

    /// <summary>Vendor of the processor, see <see cref="RuntimeInfo.CpuVendor"/>.</summary>
    /// <value>1 to 16 printable ASCII characters.</value>
    public required string CpuVendor { get; init; }

    /// <summary>The layers with experts, in the order in which a pass runs them.</summary>
    /// <value>1 to 65536 layers.</value>
    public required IReadOnlyList<RecordedLayer> Layers { get; init; }

    /// <summary>Describes runs in this process.</summary>
    /// <param name="model">Hash of the model.</param>
    /// <param name="format">How experts are kept.</param>
    /// <param name="layers">The layers with experts, in order.</param>
    /// <param name="isa">Level of the kernels; Auto = the level in force.</param>
    /// <returns>The header.</returns>
    /// <exception cref="BackendException">The native library is not usable here.</exception>
    public static RoutingRecordHeader ForThisMachine(
        ModelHash model, WeightFormat format, IReadOnlyList<RecordedLayer> layers, InstructionSet isa = InstructionSet.Auto)
    {
        RuntimeInfo runtime = RuntimeInfo.Query();
        return new RoutingRecordHeader
        {
            Model = model,
            Format = format,
            Isa = isa == InstructionSet.Auto ? runtime.Isa : isa,
            CpuVendor = runtime.CpuVendor,
            Layers = layers,
        };
    }

    /// <summary>Whether another run has the same layers, without which neither replay nor comparison is possible.</summary>
    /// <param name="other">The other run.</param>
    /// <returns>True when layers and expert counts are the same.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="other"/> is null.</exception>
    public bool HasLayersOf(RoutingRecordHeader other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Layers.SequenceEqual(other.Layers);
    }

    /// <summary>Names what makes bits differ between two runs: model hash, weight format, instruction-set level, processor vendor.</summary>
    /// <param name="other">The other run.</param>
    /// <returns>One text for each that differs, with both values, this run's first; empty when none does.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="other"/> is null.</exception>
    public IReadOnlyList<string> DifferencesTo(RoutingRecordHeader other)
    {
        ArgumentNullException.ThrowIfNull(other);
        var differences = new List<string>();
        Compare("model hash", Model, other.Model);
        Compare("weight format", Format, other.Format);
        Compare("instruction-set level", Isa, other.Isa);
        Compare("processor vendor", CpuVendor, other.CpuVendor);
        return differences;

        void Compare<T>(string name, T mine, T theirs)
        {
            if (!EqualityComparer<T>.Default.Equals(mine, theirs))
            {
                differences.Add($"{name} {mine}, not {theirs}");
            }
        }
    }

    /// <exception cref="RouterConfigurationException">A value is outside its range; names all that are.</exception>
    internal void Validate() => new OptionRules(nameof(RoutingRecordHeader))
        .Defined(nameof(Format), Format)
        .Require(Isa != InstructionSet.Auto && Enum.IsDefined(Isa), $"Isa ({Isa}) is no level of kernels.")
        .Require(IsVendor(CpuVendor), $"CpuVendor ({CpuVendor}) must have 1 to {DynamicMoE.CpuVendor.MaxLength} printable ASCII characters.")
        .Range("Layers.Count", Layers.Count, 1, RecordFormat.MaxLayers)
        .Require(Layers.All(layer => layer.IsValid), $"Layers must have an index of at least 0 and 1..{Limits.MaxExperts} experts each.")
        .ThrowIfBroken();

    private static bool IsVendor(string vendor) =>
        vendor is { Length: > 0 and <= DynamicMoE.CpuVendor.MaxLength } && !vendor.AsSpan().ContainsAnyExceptInRange('!', '~');
}

/// <summary>A layer with experts in a record.</summary>
/// <param name="Layer">Index of the decoder layer, at least 0.</param>
/// <param name="Experts">Its experts, 1..4096.</param>
public readonly record struct RecordedLayer(int Layer, int Experts)
{
    internal bool IsValid => Layer >= 0 && Experts is >= 1 and <= Limits.MaxExperts;
}
