namespace DynamicMoE;

/// <summary>What a <see cref="MonitoredRouter"/> does with a batch while its circuit breaker is open.</summary>
public enum BreakerFallback
{
    /// <summary>The gate's static choice at the trained number of experts (at most MaxExperts), by logits alone: no estimator, no threshold, no noise.
    /// Masks, experts out of service, a capacity and a cap on distinct experts hold. It needs a <see cref="DynamicRouter"/> inside all wrappers.</summary>
    StaticTopK,

    /// <summary>Every token gets the experts and weights of the last token that was routed before: neither gate nor native core are asked. Complexity scores
    /// and gaps are that token's, router logits are 0. Without an earlier token, with a capacity, a cap on distinct experts that is smaller, or with one of
    /// the experts masked or out of service such that fewer than MinExperts are left, the call fails as with <see cref="FailFast"/>.</summary>
    LastGood,

    /// <summary>The call fails with <see cref="CircuitOpenException"/>.</summary>
    FailFast,
}
