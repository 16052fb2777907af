using DynamicMoE.ServiceLoad.Http;

namespace DynamicMoE.ServiceLoad.Load;

/// <summary>What is asked for.</summary>
internal enum CallKind
{
    Forward,
    Completion,
    Stream,
}

/// <summary>A request, and what its answer must look like.</summary>
/// <param name="kind">What is asked for.</param>
/// <param name="request">Its bytes.</param>
internal abstract class Call(CallKind kind, byte[] request)
{
    public CallKind Kind => kind;

    public ReadOnlyMemory<byte> Request => request;

    /// <summary>What is wrong with a 200; null: nothing.</summary>
    /// <param name="reply">The answer.</param>
    /// <param name="id">[out] The answer's own id; null where it has none.</param>
    public abstract string? Fault(HttpReply reply, out string? id);
}
