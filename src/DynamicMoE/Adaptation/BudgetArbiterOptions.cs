using Microsoft.Extensions.Logging;

namespace DynamicMoE;

/// <summary>Options of <see cref="BudgetArbiter"/>. Checked when the arbiter is built.</summary>
public sealed class BudgetArbiterOptions
{
    /// <summary>Mean experts per token over all layers.</summary>
    /// <value>Between <see cref="MinExperts"/> and <see cref="MaxExperts"/>. Required without <see cref="LayerBudgets"/>; with them it is their mean and must be
    /// left at 0.</value>
    public double Budget { get; set; }

    /// <summary>Experts that every token gets.</summary>
    /// <value>Between 1 and <see cref="MaxExperts"/>. The default is 1.</value>
    public int MinExperts { get; set; } = 1;

    /// <summary>Most experts of a token.</summary>
    /// <value>Between 1 and 4096. Required.</value>
    public int MaxExperts { get; set; }

    /// <summary>Layers that share the budget.</summary>
    /// <value>Between 1 and 4096. The default is 1.</value>
    public int Layers { get; set; } = 1;

    /// <summary>What each layer loses when it alone has MinExperts, in any unit, one per layer. Layers that lose more get more experts, so that the sum of
    /// their losses is least where a layer loses the sixth power of the share that it gives up; the mean over the layers stays <see cref="Budget"/>.</summary>
    /// <value><see cref="Layers"/> finite values of at least 0, one of them above. The default, null, gives every layer the same budget.</value>
    public IReadOnlyList<double>? Sensitivity { get; set; }

    /// <summary>Mean experts per token of each layer. When floor, ceilings or proposals move the mean, they are scaled by one factor, each within
    /// MinExperts..MaxExperts. Excludes <see cref="Budget"/> and <see cref="Sensitivity"/>.</summary>
    /// <value><see cref="Layers"/> values between <see cref="MinExperts"/> and <see cref="MaxExperts"/>. The default, null, divides <see cref="Budget"/>.</value>
    public IReadOnlyList<double>? LayerBudgets { get; set; }

    /// <summary>Name in metrics. The first 32 names of a process have series of their own, later ones share one.</summary>
    /// <value>Not empty. The default is "default".</value>
    public string Name { get; set; } = "default";

    /// <summary>Receives the arbiter's messages.</summary>
    /// <value>The default is null: none.</value>
    public ILogger? Logger { get; set; }

    internal BudgetArbiterOptions Validated()
    {
        OptionRules rules = new OptionRules(nameof(BudgetArbiterOptions))
            .Range(nameof(MaxExperts), MaxExperts, 1, Limits.MaxExperts)
            .Range(nameof(MinExperts), MinExperts, 1, Math.Max(1, MaxExperts))
            .Require(
                LayerBudgets is not null || (Budget >= MinExperts && Budget <= MaxExperts),
                $"Budget ({Budget}) is outside {MinExperts}..{MaxExperts}.")
            .Range(nameof(Layers), Layers, 1, Limits.MaxExperts)
            .Require(!string.IsNullOrEmpty(Name), $"Name must not be empty.");
        if (Sensitivity is { } profile)
        {
            rules = rules
                .Require(profile.Count == Layers, $"Sensitivity has {profile.Count} elements, Layers is {Layers}.")
                .Require(profile.All(s => s >= 0 && double.IsFinite(s)), $"Sensitivity must be finite and at least 0.")
                .Require(profile.Any(s => s > 0), $"Sensitivity must be above 0 for one layer at least.");
        }

        if (LayerBudgets is { } budgets)
        {
            rules = rules
                .Require(Budget == 0 && Sensitivity is null, $"LayerBudgets exclude Budget and Sensitivity.")
                .Require(budgets.Count == Layers, $"LayerBudgets has {budgets.Count} elements, Layers is {Layers}.")
                .Require(budgets.All(b => b >= MinExperts && b <= MaxExperts), $"LayerBudgets must be within {MinExperts}..{MaxExperts}.");
        }

        rules.ThrowIfBroken();
        var copy = (BudgetArbiterOptions)MemberwiseClone();
        copy.Sensitivity = Sensitivity?.ToArray();
        copy.LayerBudgets = LayerBudgets?.ToArray();
        copy.Budget = LayerBudgets?.Average() ?? Budget;
        return copy;
    }
}
