namespace DynamicMoE.Models;

/// <summary>A tensor that a configuration asks for.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Uses">How it is read when the checkpoint is loaded.</param>
internal readonly record struct LayoutTensor(string Name, long[] Shape, TensorUses Uses);

/// <summary>How a tensor is read when a checkpoint is loaded; what it may hold follows from that.</summary>
[Flags]
internal enum TensorUses
{
    /// <summary>As float32: norms, biases, gates.</summary>
    Values = 1,

    /// <summary>As it is stored, row by row: the embedding.</summary>
    Rows = 2,

    /// <summary>As the weights of a product, in the format of products.</summary>
    Product = 4,
}
