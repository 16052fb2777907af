namespace DynamicMoE;

/// <summary>
/// The one writer of the budget: mean experts per token over the layers of a model. Others set a floor, a ceiling or a proposal; what comes of
/// them is decided once per batch and written to the layers' threshold controllers then.
/// effective = clamp(min(max(base, floor), ceiling), MinExperts, MaxExperts), ceiling = min(latency, overload): overload beats the guardrail.
/// </summary>
/// <remarks>Readers never wait. A setter takes effect with the next batch; setting the value that is there costs nothing, a change allocates once.</remarks>
public sealed partial class BudgetArbiter
{
    private readonly Lock _gate = new();
    private readonly BudgetArbiterOptions _options;
    private readonly double[] _sensitivity;
    private readonly double[]? _layerBudgets;
    private readonly ThresholdController?[] _controllers;
    private BudgetInputs _inputs;
    private Applied _applied;
    private volatile bool _frozen;

    /// <summary>Makes an arbiter.</summary>
    /// <param name="options">Options; later changes to it have no effect.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    public BudgetArbiter(BudgetArbiterOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options.Validated();
        _sensitivity = _options.Sensitivity is { } profile ? [.. profile] : [];
        _layerBudgets = _options.LayerBudgets is { } given ? [.. given] : null;
        _controllers = new ThresholdController?[_options.Layers];
        Tag = Instruments.TagOf(Instruments.BudgetTag, _options.Name);
        _inputs = new BudgetInputs(_options.MinExperts, _options.MaxExperts, _options.Budget);
        _applied = Divide(_inputs);
        BudgetGauges.Watch(this);
    }

    /// <summary>Fewest experts of a token.</summary>
    public int MinExperts => _options.MinExperts;

    /// <summary>Most experts of a token.</summary>
    public int MaxExperts => _options.MaxExperts;

    /// <summary>Layers that share the budget.</summary>
    public int Layers => _options.Layers;

    /// <summary>Mean experts per token over all layers, before proposals, floor and ceilings.</summary>
    /// <value>Between MinExperts and MaxExperts.</value>
    /// <exception cref="RouterConfigurationException">The value is outside its range.</exception>
    public double Budget
    {
        get => Inputs.Budget;
        set
        {
            new OptionRules(nameof(BudgetArbiter)).Range(nameof(Budget), value, MinExperts, MaxExperts).ThrowIfBroken();
            Change(static (inputs, v) => inputs.Budget == v ? inputs : inputs with { Budget = v }, value);
        }
    }

    /// <summary>Least mean experts per token that the guardrail allows.</summary>
    /// <value>Finite; what lies outside MinExperts..MaxExperts is cut to it. Null, the default: no floor.</value>
    /// <exception cref="RouterConfigurationException">The value is not finite.</exception>
    public double? GuardrailFloor
    {
        get => Inputs.Floor;
        set
        {
            RequireFinite(nameof(GuardrailFloor), value);
            Change(static (inputs, v) => inputs.Floor == v ? inputs : inputs with { Floor = v }, value);
        }
    }

    /// <summary>Most mean experts per token that the latency target allows.</summary>
    /// <value>Finite; what lies outside MinExperts..MaxExperts is cut to it. Null, the default: no ceiling.</value>
    /// <exception cref="RouterConfigurationException">The value is not finite.</exception>
    public double? LatencyCeiling
    {
        get => Inputs.Latency;
        set
        {
            RequireFinite(nameof(LatencyCeiling), value);
            Change(static (inputs, v) => inputs.Latency == v ? inputs : inputs with { Latency = v }, value);
        }
    }

    /// <summary>Most mean experts per token while the service is overloaded.</summary>
    /// <value>Finite; what lies outside MinExperts..MaxExperts is cut to it. Null, the default: no ceiling.</value>
    /// <exception cref="RouterConfigurationException">The value is not finite.</exception>
    public double? OverloadCeiling
    {
        get => Inputs.Overload;
        set
        {
            RequireFinite(nameof(OverloadCeiling), value);
            Change(static (inputs, v) => inputs.Overload == v ? inputs : inputs with { Overload = v }, value);
        }
    }

    /// <summary>Whether the adaptation stands still: proposals are ignored, and the layers' thresholds do not move. Floor and ceilings act as before.</summary>
    /// <value>The default is false.</value>
    public bool Frozen
    {
        get => _frozen;
        set
        {
            lock (_gate)
            {
                _frozen = value;
                foreach (ThresholdController? controller in _controllers)
                {
                    controller?.Frozen = value;
                }
            }
        }
    }

    /// <summary>The decision that the last batch got, or the next one gets when there was none.</summary>
    public BudgetDecision Decision => Volatile.Read(ref _applied).Decision;

    /// <summary>The arbiter's name in metrics.</summary>
    internal string Tag { get; }

    private BudgetInputs Inputs => Volatile.Read(ref _inputs);

    /// <summary>Proposes what UpdateThresholds found: experts per token to add to the budget (or, negative, to take from it).</summary>
    /// <param name="offset">Finite.</param>
    /// <exception cref="RouterConfigurationException"><paramref name="offset"/> is not finite; nothing was changed.</exception>
    public void ProposeAdaptation(double offset)
    {
        RequireFinite("Adaptation", offset);
        Propose(static (inputs, v) => inputs.Adaptation == v ? inputs : inputs with { Adaptation = v }, offset);
    }

    /// <summary>Proposes what the autoscaler found: experts per token to add to the budget (or, negative, to take from it).</summary>
    /// <param name="offset">Finite.</param>
    /// <exception cref="RouterConfigurationException"><paramref name="offset"/> is not finite; nothing was changed.</exception>
    public void ProposeScaling(double offset)
    {
        RequireFinite("Scaling", offset);
        Propose(static (inputs, v) => inputs.Scaling == v ? inputs : inputs with { Scaling = v }, offset);
    }

    /// <summary>Begins a batch: decides, and writes the layers' budgets when something changed. Allocates nothing otherwise.</summary>
    /// <returns>The decision for rows without a budget of their own.</returns>
    public BudgetDecision BeginBatch()
    {
        Applied applied = Volatile.Read(ref _applied);
        if (ReferenceEquals(applied.Inputs, Inputs))
        {
            return applied.Decision;
        }

        lock (_gate)
        {
            if (!ReferenceEquals(_applied.Inputs, _inputs))
            {
                Apply(Divide(_inputs));
            }

            return _applied.Decision;
        }
    }

    /// <summary>Decides for rows with a budget of their own, by the inputs of the batch that was begun last. Changes nothing.</summary>
    /// <param name="budget">Mean experts per token that the request asks for, finite.</param>
    /// <returns>The decision.</returns>
    /// <exception cref="RouterConfigurationException"><paramref name="budget"/> is not finite.</exception>
    public BudgetDecision DecideFor(double budget)
    {
        RequireFinite("Request budget", budget);
        return Volatile.Read(ref _applied).Inputs.Decide(budget);
    }

    /// <summary>Budget of one layer in the batch that was begun last.</summary>
    /// <param name="layer">0..Layers-1.</param>
    /// <returns>Mean experts per token; the mean over all layers is the decision's Effective.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="layer"/> is outside its range.</exception>
    public double LayerBudget(int layer)
    {
        RequireLayer(layer);
        return Volatile.Read(ref _applied).Budgets[layer];
    }

    /// <summary>Budget of one layer when the mean over all layers is another than the batch's.</summary>
    internal double LayerBudgetFor(int layer, double mean)
    {
        if (_sensitivity.Length == 0 && _layerBudgets is null)
        {
            return mean;
        }

        Span<double> budgets = Layers <= 256 ? stackalloc double[Layers] : new double[Layers];
        Divide(mean, budgets);
        return budgets[layer];
    }

    /// <summary>Takes charge of a layer's controller.</summary>
    /// <exception cref="RouterConfigurationException">The layer has one already, whose router is not disposed.</exception>
    internal void Attach(int layer, ThresholdController controller)
    {
        lock (_gate)
        {
            if (_controllers[layer]?.Changed is not null)
            {
                throw new RouterConfigurationException(
                    $"ArbiterLayer ({layer}) has a router already: each needs a layer of its own, of 0..{Layers - 1}, until it is disposed.");
            }

            _controllers[layer] = controller;
            controller.Changed = _ => LayerChanged(layer);
            controller.Frozen = _frozen;
            controller.SetBudget(_applied.Budgets[layer]);
        }
    }

    /// <summary>Frees a layer for another router. What its controller learnt stays part of the state until then.</summary>
    internal void Release(ThresholdController controller)
    {
        lock (_gate)
        {
            if (Array.IndexOf(_controllers, controller) >= 0)
            {
                controller.Changed = null;
            }
        }
    }

    private static void RequireFinite(string name, double? value) => new OptionRules(nameof(BudgetArbiter))
        .Require(value is null || double.IsFinite(value.Value), $"{name} ({value}) must be finite.")
        .ThrowIfBroken();

    private void Propose(Func<BudgetInputs, double, BudgetInputs> change, double offset)
    {
        if (!_frozen)
        {
            Change(change, offset);
        }
    }

    private void Change<T>(Func<BudgetInputs, T, BudgetInputs> change, T value)
    {
        lock (_gate)
        {
            Volatile.Write(ref _inputs, change(_inputs, value));
        }
    }

    private Applied Divide(BudgetInputs inputs)
    {
        BudgetDecision decision = inputs.Decide(null);
        var budgets = new double[Layers];
        Divide(decision.Effective, budgets);
        return new Applied(inputs, decision, budgets);
    }

    private void Divide(double mean, Span<double> budgets)
    {
        if (_layerBudgets is { } given)
        {
            BudgetAllocation.Scale(given, mean, MinExperts, MaxExperts, budgets);
        }
        else
        {
            BudgetAllocation.Divide(_sensitivity, mean, MinExperts, MaxExperts, budgets);
        }
    }

    private void Apply(Applied next)
    {
        BudgetDecision before = _applied.Decision;
        Volatile.Write(ref _applied, next);
        for (int layer = 0; layer < _controllers.Length; layer++)
        {
            _controllers[layer]?.SetBudget(next.Budgets[layer]);
        }

        Publish(before, next.Decision);
    }

    /// <summary>What a batch runs under.</summary>
    private sealed record Applied(BudgetInputs Inputs, BudgetDecision Decision, double[] Budgets);
}
