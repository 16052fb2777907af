namespace DynamicMoE;

/// <summary>A gap that many tokens share exactly: no threshold divides them.</summary>
/// <param name="Gap">The gap, above 0.</param>
/// <param name="Count">Decayed number of tokens with it.</param>
/// <param name="Votes">By how much it outweighs the other gaps of its bin.</param>
public readonly record struct GapAtom(float Gap, double Count, double Votes);
