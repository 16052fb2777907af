namespace DynamicMoE;

/// <summary>Turns router logits into probabilities.</summary>
public enum GateFunction
{
    /// <summary>Softmax over all experts.</summary>
    Softmax = 0,

    /// <summary>Sigmoid of each expert by itself.</summary>
    Sigmoid = 1,
}
