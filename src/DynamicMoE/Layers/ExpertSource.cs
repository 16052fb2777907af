namespace DynamicMoE;

/// <summary>Where a layer's experts come from. The layer checks router and options first and makes its experts last.</summary>
internal sealed class ExpertSource
{
    private readonly ExpertBankOptions? _shape;
    private readonly Func<int, IExpert>? _factory;

    internal ExpertSource(ExpertBank experts)
    {
        ArgumentNullException.ThrowIfNull(experts);
        Given = experts;
        NumExperts = experts.NumExperts;
        Hidden = experts.Hidden;
    }

    internal ExpertSource(ExpertBankOptions experts)
    {
        ArgumentNullException.ThrowIfNull(experts);
        _shape = experts.Validated();
        NumExperts = _shape.NumExperts;
        Hidden = _shape.Hidden;
    }

    internal ExpertSource(Func<int, IExpert> expertFactory, int numExperts)
    {
        ArgumentNullException.ThrowIfNull(expertFactory);
        _factory = expertFactory;
        NumExperts = numExperts;
    }

    /// <summary>The bank that was handed in and is not owned, or null.</summary>
    internal ExpertBank? Given { get; }

    internal bool Managed => _factory is not null;

    internal int NumExperts { get; }

    /// <summary>Hidden size; 0 when experts are managed, which do not tell theirs.</summary>
    internal int Hidden { get; }

    internal ManagedExperts MakeManaged() => ManagedExperts.Make(_factory!, NumExperts);

    /// <summary>Makes a bank that the layer owns.</summary>
    internal ExpertBank MakeBank(MoELayerOptions options)
    {
        _shape!.UseBias = options.UseBias;
        return ExpertBank.CreateRandom(_shape, options.Seed);
    }
}
