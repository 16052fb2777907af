namespace DynamicMoE.TestKit.Decoder;

/// <summary>A named tensor's numbers, row-major.</summary>
/// <param name="Data">Elements.</param>
/// <param name="Shape">Dimensions; their product is the length of <paramref name="Data"/>.</param>
public sealed record ReferenceTensor(double[] Data, int[] Shape);
