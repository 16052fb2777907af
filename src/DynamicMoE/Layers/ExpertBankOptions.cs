namespace DynamicMoE;

/// <summary>Shape and storage of native experts. Checked by <see cref="ExpertBank.Create"/>.</summary>
public sealed class ExpertBankOptions
{
    /// <summary>Number of experts.</summary>
    /// <value>Between 1 and 4096. Required.</value>
    public int NumExperts { get; set; }

    /// <summary>Hidden size.</summary>
    /// <value>Between 1 and 1048576. Required.</value>
    public int Hidden { get; set; }

    /// <summary>Inner size of an expert.</summary>
    /// <value>Between 1 and 1048576; <see cref="Hidden"/> for <see cref="ExpertKind.Linear"/>. Required.</value>
    public int Width { get; set; }

    /// <summary>The function inside an expert.</summary>
    /// <value>The default is <see cref="ExpertKind.SwiGlu"/>.</value>
    public ExpertKind Kind { get; set; }

    /// <summary>How weights are kept.</summary>
    /// <value>The default is <see cref="WeightFormat.Float32"/>.</value>
    public WeightFormat Format { get; set; }

    /// <summary>Whether experts have biases.</summary>
    /// <value>The default is false.</value>
    public bool UseBias { get; set; }

    /// <summary>Instruction-set level of the kernels.</summary>
    /// <value>The default is <see cref="InstructionSet.Auto"/>.</value>
    public InstructionSet Isa { get; set; }

    internal ExpertBankOptions Validated()
    {
        new OptionRules(nameof(ExpertBankOptions))
            .Range(nameof(NumExperts), NumExperts, 1, Limits.MaxExperts)
            .Range(nameof(Hidden), Hidden, 1, Limits.MaxHidden)
            .Range(nameof(Width), Width, 1, Limits.MaxHidden)
            .Require(Kind != ExpertKind.Linear || Width == Hidden, $"Width ({Width}) must be Hidden ({Hidden}) for Linear experts.")
            .Defined(nameof(Kind), Kind)
            .Defined(nameof(Format), Format)
            .Defined(nameof(Isa), Isa)
            .ThrowIfBroken();
        return (ExpertBankOptions)MemberwiseClone();
    }
}
