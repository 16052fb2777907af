using System.Diagnostics;
using DynamicMoE.Native;
using Microsoft.Extensions.Logging;

namespace DynamicMoE;

/// <content>Experts that are out of service, and those that are used more than others.</content>
public partial class DynamicRouter
{
    private readonly UsableExperts _usable;
    private readonly LoadBalancer? _balancer;
    private readonly WeightBalancer? _weights;

    /// <summary>Whether weights are changed after the native decisions, so that routing and experts cannot be one native call.</summary>
    internal bool ChangesWeights => _weights is not null;

    /// <summary>Experts that are out of service, ascending.</summary>
    /// <returns>A snapshot; empty while all are in service.</returns>
    public IReadOnlyList<int> GetDisabledExperts()
    {
        ReadOnlySpan<byte> mask = _usable.Mask;
        var disabled = new List<int>();
        for (int expert = 0; expert < mask.Length; expert++)
        {
            if (mask[expert] == 0)
            {
                disabled.Add(expert);
            }
        }

        return disabled;
    }

    /// <summary>Takes an expert out of service: from the next batch on tokens are routed around it. Logs a warning. A second call does nothing.</summary>
    /// <param name="expert">The expert, 0..NumExperts-1.</param>
    /// <param name="reason">Why, for the log; null = none given.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="expert"/> is outside its range.</exception>
    /// <exception cref="LoadBalancingException">Fewer than MinExperts would be left in service; nothing was changed.</exception>
    public void DisableExpert(int expert, string? reason = null)
    {
        RequireExpert(expert);
        bool? changed = _usable.TrySet(expert, usable: false, MinExperts, out int left);
        if (changed is true)
        {
            ReportOutOfService(expert, reason ?? "disabled by the caller", left);
        }
        else if (changed is null)
        {
            throw new LoadBalancingException(
                $"Expert {expert} cannot be disabled: {left} of {NumExperts} experts would be left in service, MinExperts is {MinExperts}.");
        }
    }

    /// <summary>Puts an expert back into service, from the next batch on. Does nothing when it is in service.</summary>
    /// <param name="expert">The expert, 0..NumExperts-1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="expert"/> is outside its range.</exception>
    public void EnableExpert(int expert)
    {
        RequireExpert(expert);
        if (_usable.TrySet(expert, usable: true, 0, out int left) is true && _options.Logger is { } logger)
        {
            Log.ExpertEnabled(logger, expert, left, NumExperts);
        }
    }

    /// <summary>Takes a failed expert out of service whatever is left: with fewer than MinExperts the next batch is a <see cref="LoadBalancingException"/>.</summary>
    internal void DisableFailed(int expert, string reason)
    {
        if (_usable.TrySet(expert, usable: false, 0, out int left) is true)
        {
            GuardrailInstruments.ExpertFaults.Add(1);
            ReportOutOfService(expert, reason, left);
        }
    }

    /// <summary>Makes the parameters of static routing at the trained number of experts, as far as that many are in service, with what the router
    /// has learned about choosing.</summary>
    internal RouteParams PrepareFull(RouteScratch scratch)
    {
        ReadOnlySpan<byte> mask = _usable.Mask;
        int count = Math.Max(1, Math.Min(TrainedExperts, NumExperts - mask.Count((byte)0)));
        return new RouteParams
        {
            Strategy = RoutingStrategy.TopK,
            Weighting = Weighting,
            MinExperts = count,
            MaxExperts = count,
            ScoreSource = ScoreSource.RouterMargin,
            SelectionBias = Bias(scratch),
            ExpertMask = mask,
        };
    }

    /// <summary>What is added to probabilities for choosing: the fixed bias and that of load balancing.</summary>
    private ReadOnlySpan<float> Bias(RouteScratch scratch)
    {
        if (_balancer is null)
        {
            return _options.SelectionBias;
        }

        Span<float> bias = scratch.Bias(NumExperts);
        _balancer.Read(_options.SelectionBias, bias);
        return bias;
    }

    private static (LoadBalancer? Choice, WeightBalancer? Weights) Balancers(DynamicRouterOptions o) => (o.LoadBalancing, o.BalancingMode) switch
    {
        (false, _) => (null, null),
        (_, LoadBalancingMode.WeightPenalty) => (null, new WeightBalancer(o.NumExperts, o.WeightPenalty)),
        _ => (new LoadBalancer(o.NumExperts, o.BalanceStep, o.BalanceBound), null),
    };

    private void ScaleWeights(RoutingBuffers routes, int tokens, RouteScratch scratch)
    {
        if (_weights is not null)
        {
            // Free for this: a selection bias exists only in the other mode.
            Span<float> factors = scratch.Bias(NumExperts);
            _weights.Read(factors);
            WeightBalancer.Apply(routes, tokens, factors);
        }
    }

    /// <summary>Receives the router's messages, or null.</summary>
    internal ILogger? Logger => _options.Logger;

    private void RequireExpert(int expert)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(expert);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(expert, NumExperts);
    }

    private void ReportOutOfService(int expert, string reason, int left)
    {
        Activity.Current?.AddEvent(new ActivityEvent(
            GuardrailInstruments.ExpertDisabledEvent, default, new ActivityTagsCollection { ["dynamicmoe.expert"] = expert, ["dynamicmoe.reason"] = reason }));
        if (_options.Logger is { } logger)
        {
            Log.ExpertDisabled(logger, expert, reason, left, NumExperts);
        }
    }
}
