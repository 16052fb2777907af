namespace DynamicMoE;

/// <summary>How the probabilities of the selected experts become weights.</summary>
public enum Weighting
{
    /// <summary>Divided by their sum over the selection.</summary>
    Renormalize = 0,

    /// <summary>Divided by the sum over the experts that static routing at the trained count picks: dropping one does not inflate the others.</summary>
    TrainedScale = 1,

    /// <summary>Taken as they are.</summary>
    Raw = 2,
}
