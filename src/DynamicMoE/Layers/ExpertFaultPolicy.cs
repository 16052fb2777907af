namespace DynamicMoE;

/// <summary>What a layer does about a managed expert that throws or returns a value that is not finite. The call fails with an
/// <see cref="ExpertDispatchException"/> in either case: its other tokens were routed to that expert's result.</summary>
public enum ExpertFaultPolicy
{
    /// <summary>Nothing: the next batch calls it again.</summary>
    Fail = 0,

    /// <summary>Takes it out of service in the router, as <see cref="DynamicRouter.DisableExpert"/> does: the next batch is routed around it. With fewer
    /// than MinExperts left, batches raise <see cref="LoadBalancingException"/> until one is enabled again.</summary>
    Disable = 1,
}
