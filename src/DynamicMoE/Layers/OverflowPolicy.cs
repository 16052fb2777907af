namespace DynamicMoE;

/// <summary>What happens to a route over an expert's capacity.</summary>
public enum OverflowPolicy
{
    /// <summary>It is dropped; the token's weights are renormalised over what is left. A token with nothing left gets zeros.</summary>
    Drop = 0,

    /// <summary>It goes to the token's next choice with room, and is dropped when none has.</summary>
    Reroute = 1,
}
