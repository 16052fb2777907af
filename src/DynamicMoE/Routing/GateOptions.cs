namespace DynamicMoE;

/// <summary>Shape and gating rules of a router's gate. Checked by <see cref="GateWeights.Create"/>.</summary>
public sealed class GateOptions
{
    /// <summary>Hidden size: columns of the gate weights.</summary>
    /// <value>Between 1 and 1048576. Required.</value>
    public int InputDim { get; set; }

    /// <summary>Number of experts: rows of the gate weights.</summary>
    /// <value>Between 1 and 4096; times <see cref="InputDim"/> at most 2147483591. Required.</value>
    public int NumExperts { get; set; }

    /// <summary>Turns logits into probabilities.</summary>
    /// <value>The default is <see cref="GateFunction.Softmax"/>.</value>
    public GateFunction Gate { get; set; }

    /// <summary>Experts per token in training.</summary>
    /// <value>Between 1 and <see cref="NumExperts"/>. The default is 1.</value>
    public int TrainedExperts { get; set; } = 1;

    /// <summary>Groups of equal size that the experts form.</summary>
    /// <value>Between 1 and <see cref="NumExperts"/>, a divisor of it. The default is 1: no groups.</value>
    public int Groups { get; set; } = 1;

    /// <summary>Groups from which a token's experts may come.</summary>
    /// <value>Between 1 and <see cref="Groups"/>. The default is 1.</value>
    public int TopGroups { get; set; } = 1;

    /// <summary>Ranks the groups.</summary>
    /// <value>The default is <see cref="DynamicMoE.GroupScore.Max"/>.</value>
    public GroupScore GroupScore { get; set; }

    /// <summary>Factor on every weight.</summary>
    /// <value>Finite and above 0. The default is 1.</value>
    public float RoutedScale { get; set; } = 1;

    /// <summary>Tokens per chunk; sizes the workspaces. Larger batches run in chunks.</summary>
    /// <value>Between 1 and 1048576. The default is 512.</value>
    public int MaxTokens { get; set; } = 512;

    /// <summary>Most threads that one call uses.</summary>
    /// <value>Between 0 and 1024. The default is 0: as many as the native pool has.</value>
    public int Threads { get; set; }

    /// <summary>Instruction-set level of the kernels.</summary>
    /// <value>The default is <see cref="InstructionSet.Auto"/>.</value>
    public InstructionSet Isa { get; set; }

    internal GateOptions Validated()
    {
        new OptionRules(nameof(GateOptions))
            .Range(nameof(InputDim), InputDim, 1, Limits.MaxHidden)
            .Range(nameof(NumExperts), NumExperts, 1, Limits.MaxExperts)
            .Require(
                (long)NumExperts * InputDim <= Array.MaxLength,
                $"NumExperts ({NumExperts}) * InputDim ({InputDim}) = {(long)NumExperts * InputDim}, at most {Array.MaxLength} weights are allowed.")
            .Defined(nameof(Gate), Gate)
            .Range(nameof(TrainedExperts), TrainedExperts, 1, Math.Max(1, NumExperts))
            .Range(nameof(Groups), Groups, 1, Math.Max(1, NumExperts))
            .Require(Groups < 1 || NumExperts % Groups == 0, $"Groups ({Groups}) does not divide NumExperts ({NumExperts}).")
            .Range(nameof(TopGroups), TopGroups, 1, Math.Max(1, Groups))
            .Defined(nameof(GroupScore), GroupScore)
            .Positive(nameof(RoutedScale), RoutedScale)
            .Range(nameof(MaxTokens), MaxTokens, 1, Limits.MaxTokens)
            .Range(nameof(Threads), Threads, 0, Limits.MaxThreads)
            .Defined(nameof(Isa), Isa)
            .ThrowIfBroken();
        return (GateOptions)MemberwiseClone();
    }
}
