using DynamicMoE.Hosting.Generation;
using DynamicMoE.Hosting.Layers;
using DynamicMoE.Models;

namespace DynamicMoE.Hosting.Loading;

/// <summary>What is served: layers, and the model that generates if there is one. Freed when it is neither current nor used by a request.</summary>
internal sealed class ServedModel
{
    private readonly IDisposable?[] _owned;
    private int _uses = 1;
    private volatile bool _retired;

    /// <param name="info">What callers see.</param>
    /// <param name="layers">Layers with experts, in order; at least one.</param>
    /// <param name="model">The model, or null.</param>
    /// <param name="arbiter">The budget of all layers, or null.</param>
    /// <param name="owned">Disposed with it, in this order.</param>
    public ServedModel(ServedModelInfo info, IReadOnlyList<ServedLayer> layers, MoEModel? model, BudgetArbiter? arbiter, params IDisposable?[] owned)
    {
        (Info, Layers, Model, Arbiter) = (info, layers, model, arbiter);
        _owned = owned;
    }

    public ServedModelInfo Info { get; }

    public IReadOnlyList<ServedLayer> Layers { get; }

    public MoEModel? Model { get; }

    public BudgetArbiter? Arbiter { get; }

    /// <summary>Where it was loaded from; null: not from a path.</summary>
    public string? Path { get; init; }

    /// <summary>Sessions of the model for the sequences to come; used by the engine's thread alone.</summary>
    public SessionPool Sessions { get; } = new();

    /// <summary>What batches did with it.</summary>
    public ModelFigures Figures { get; } = new();

    /// <summary>Watches the model, or null.</summary>
    public ShadowGuardrail? Guardrail { get; init; }

    /// <summary>One more user. Only while another use lasts, or under the lock that guards which model is current.</summary>
    public void Use() => Interlocked.Increment(ref _uses);

    /// <summary>Ends a use; the last one frees everything.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _uses) == 0)
        {
            foreach (IDisposable? part in _owned)
            {
                part?.Dispose();
            }
        }
    }

    /// <summary>Whether another model has taken its place.</summary>
    public bool IsRetired => _retired;

    /// <summary>Another model has taken its place: ends the use that being current is.</summary>
    public void Retire()
    {
        _retired = true;
        Release();
    }

    /// <summary>Stops or lets go on what learns from batches.</summary>
    public void SetFrozen(bool frozen)
    {
        if (Arbiter is not null)
        {
            Arbiter.Frozen = frozen;
        }

        foreach (ServedLayer layer in Layers)
        {
            layer.Core.Frozen = frozen;
        }
    }
}
