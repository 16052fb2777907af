using System.Numerics.Tensors;

namespace DynamicMoE.Models;

/// <summary>Finds overflow in a pass over finite tokens and weights before it reaches a router or the caller.</summary>
/// <param name="hidden">Elements of a hidden state.</param>
internal sealed class OverflowGuard(int hidden)
{
    // Beyond it the sum of squares of a norm overflows, and the norm of a finite row would be 0.
    private readonly float _largest = MathF.Sqrt(float.MaxValue / hidden);

    /// <summary>Checks the residual stream, <c>[rows, hidden]</c>.</summary>
    /// <exception cref="ExpertDispatchException">A value is not finite, or too large for the norm that follows.</exception>
    public void Residual(ReadOnlySpan<float> rows, int layer, string part, int position) => Require(rows, hidden, _largest, position, layer, part);

    /// <summary>Checks the input of an MLP, <c>[rows, hidden]</c>.</summary>
    /// <exception cref="ExpertDispatchException">A value is not finite.</exception>
    public void MlpInput(ReadOnlySpan<float> rows, int layer, int position) =>
        Require(rows, hidden, float.MaxValue, position, layer, "the norm before the MLP");

    /// <summary>Checks logits, <c>[rows, vocabulary]</c>.</summary>
    /// <exception cref="ExpertDispatchException">A value is not finite.</exception>
    public static void Logits(ReadOnlySpan<float> rows, int vocabulary, int position) =>
        Require(rows, vocabulary, float.MaxValue, position, null, "the output head");

    private static void Require(ReadOnlySpan<float> rows, int width, float largest, int position, int? layer, string part)
    {
        if (Within(rows, largest))
        {
            return;
        }

        int row = 0;
        while (Within(rows.Slice(row * width, width), largest))
        {
            row++;
        }

        string place = layer is { } number ? $"layer {number}, {part}" : part;
        throw new ExpertDispatchException(
            $"{place}: the values at position {position + row} overflow float32 (magnitude above {largest:G3} or NaN), though tokens and weights are finite.");
    }

    // The value of largest magnitude keeps its sign; NaN wins over every other, and fails the comparison.
    private static bool Within(ReadOnlySpan<float> values, float largest) => MathF.Abs(TensorPrimitives.MaxMagnitude(values)) <= largest;
}
