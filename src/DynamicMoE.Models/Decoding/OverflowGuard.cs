using System.Numerics.Tensors;

namespace DynamicMoE.Models;

/// <summary>Finds overflow in a pass over finite tokens and weights before it reaches a router or the caller.</summary>
/// <param name="hidden">Elements of a hidden state.</param>
/// <param name="rows">Whose rows run.</param>
internal sealed class OverflowGuard(int hidden, PassRows rows)
{
    // Beyond it the sum of squares of a norm overflows, and the norm of a finite row would be 0.
    private readonly float _largest = MathF.Sqrt(float.MaxValue / hidden);

    /// <summary>Checks the residual stream, <c>[rows, hidden]</c>.</summary>
    /// <exception cref="ExpertDispatchException">A value is not finite, or too large for the norm that follows.</exception>
    /// <exception cref="SequenceStepException">Likewise, in a batch.</exception>
    public void Residual(ReadOnlySpan<float> values, int layer, string part) => Require(values, hidden, _largest, layer, part, default);

    /// <summary>Checks the input of an MLP, <c>[rows, hidden]</c>.</summary>
    /// <exception cref="ExpertDispatchException">A value is not finite.</exception>
    /// <exception cref="SequenceStepException">Likewise, in a batch.</exception>
    public void MlpInput(ReadOnlySpan<float> values, int layer) => Require(values, hidden, float.MaxValue, layer, "the norm before the MLP", default);

    /// <summary>Checks the logits of the wanted rows, <c>[wanted, vocabulary]</c>.</summary>
    /// <exception cref="ExpertDispatchException">A value is not finite.</exception>
    /// <exception cref="SequenceStepException">Likewise, in a batch.</exception>
    public void Logits(ReadOnlySpan<float> values, int vocabulary) => Require(values, vocabulary, float.MaxValue, null, "the output head", rows.Wanted);

    private void Require(ReadOnlySpan<float> values, int width, float largest, int? layer, string part, ReadOnlySpan<int> which)
    {
        if (Within(values, largest))
        {
            return;
        }

        int row = 0;
        while (Within(values.Slice(row * width, width), largest))
        {
            row++;
        }

        row = which.IsEmpty ? row : which[row];
        string place = layer is { } number ? $"layer {number}, {part}" : part;
        throw rows.Blame(row, new ExpertDispatchException(
            $"{place}: the values at position {rows.Positions[row]} overflow float32 (magnitude above {largest:G3} or NaN), though tokens and weights are finite."));
    }

    // The value of largest magnitude keeps its sign; NaN wins over every other, and fails the comparison.
    private static bool Within(ReadOnlySpan<float> values, float largest) => MathF.Abs(TensorPrimitives.MaxMagnitude(values)) <= largest;
}
