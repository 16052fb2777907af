namespace DynamicMoE;

/// <summary>What a layer does about an expert that throws (managed ones) or returns a value that is not finite. The call fails with an
/// <see cref="ExpertDispatchException"/> in either case: its other tokens were routed to that expert's result. A guardrail's shadow runs follow no policy.</summary>
public enum ExpertFaultPolicy
{
    /// <summary>Nothing: the next batch calls it again.</summary>
    Fail = 0,

    /// <summary>Takes the exception's <see cref="ExpertDispatchException.Expert"/> out of service in the router, as <see cref="DynamicRouter.DisableExpert"/> does: the next batch is routed around it. With fewer
    /// than MinExperts left, batches raise <see cref="LoadBalancingException"/> until one is enabled again.</summary>
    Disable = 1,
}
