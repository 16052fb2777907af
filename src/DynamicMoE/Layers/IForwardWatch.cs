using System.Diagnostics;

namespace DynamicMoE;

/// <summary>Sees the batches of a layer begin and end, on the thread that runs them. Called by many threads at once.</summary>
internal interface IForwardWatch
{
    /// <summary>A batch begins.</summary>
    ForwardScope Begin();

    /// <summary>It was run.</summary>
    void End(in ForwardScope scope, in RoutingReport report, RoutingBuffers routing);

    /// <summary>It failed.</summary>
    void Fail(in ForwardScope scope, Exception error);
}

/// <summary>What a watch keeps of a batch in progress.</summary>
/// <param name="Start">The watch's timestamp.</param>
/// <param name="Activity">The batch's span, or null.</param>
/// <param name="ThreadLimit">The thread's limit of threads before, for a watch that set one.</param>
internal readonly record struct ForwardScope(long Start, Activity? Activity, int ThreadLimit = 0);
