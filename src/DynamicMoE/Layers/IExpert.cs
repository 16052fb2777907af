namespace DynamicMoE;

/// <summary>An expert in managed code. A layer calls each instance from the thread that runs the layer: calls overlap when layer calls do.</summary>
public interface IExpert
{
    /// <summary>Computes the expert's output for its tokens.</summary>
    /// <param name="rows">Hidden states of the tokens routed to this expert, <c>[count, hidden]</c>, row-major.</param>
    /// <param name="count">Rows, at least 1.</param>
    /// <param name="output">[out] <c>[count, hidden]</c>; every element must be written.</param>
    void Forward(ReadOnlySpan<float> rows, int count, Span<float> output);
}
