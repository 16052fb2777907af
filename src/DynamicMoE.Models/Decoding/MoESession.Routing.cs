using System.Globalization;
using System.Numerics.Tensors;

namespace DynamicMoE.Models;

/// <content>How many experts the sequence asks for, and what its routers did.</content>
public sealed partial class MoESession
{
    private readonly RoutingTally _tally;
    private readonly float[] _experts;
    private int _expertTokens;
    private float _quality = float.NaN;
    private float _budget = float.NaN;

    /// <summary>Quality dial of this sequence: q asks for a mean of MinExperts + q * (trained - MinExperts) experts per token in layers with a budget. Its
    /// tokens are then left out of the mean that the model holds. Setting it clears <see cref="ExpertsBudget"/>.</summary>
    /// <value>Between 0 and 1. The default, null, is <see cref="ExpertsBudget"/>, or without one the model's own budget. Layers without a budget ignore it.</value>
    /// <exception cref="RouterConfigurationException">The value is outside its range.</exception>
    public float? Quality
    {
        get => float.IsNaN(_quality) ? null : _quality;
        set
        {
            _quality = value is null or (>= 0 and <= 1)
                ? value ?? float.NaN
                : throw new RouterConfigurationException(string.Create(CultureInfo.InvariantCulture, $"Quality ({value}) is outside 0..1."));
            _budget = float.NaN;
        }
    }

    /// <summary>Mean experts per token that this sequence asks for in layers with a budget: the dial at
    /// (budget - MinExperts) / (trained - MinExperts). Setting it clears <see cref="Quality"/>.</summary>
    /// <value>Between MinExperts of the routing in force (1 without a budget) and the trained count. The default, null, is <see cref="Quality"/>, or without one the
    /// model's own budget. Layers without a budget ignore it. A value below the MinExperts of a later routing counts as MinExperts.</value>
    /// <exception cref="RouterConfigurationException">The value is outside its range.</exception>
    public float? ExpertsBudget
    {
        get => float.IsNaN(_budget) ? null : _budget;
        set
        {
            int least = _model.Arbiter?.MinExperts ?? 1, most = _model.Config.Experts.PerToken;
            _budget = value is null || (value >= least && value <= most)
                ? value ?? float.NaN
                : throw new RouterConfigurationException(string.Create(CultureInfo.InvariantCulture, $"ExpertsBudget ({value}) is outside {least}..{most}."));
            _quality = float.NaN;
        }
    }

    /// <summary>Figures of all passes since the session began or was reset; times of batches count whole.</summary>
    public ForwardReport Total { get; private set; }

    /// <summary>What each layer with experts did with this sequence's tokens in the last pass, in layer order; zeros after one that failed. OverflowRoutes are the batch's.</summary>
    public ReadOnlySpan<LayerRouting> LastRouting => _tally.Layers;

    /// <summary>Experts of each token of the last pass, <c>[tokens]</c>: the mean over the layers with experts. Empty after a pass that failed. Valid until the next pass.</summary>
    public ReadOnlySpan<float> LastExpertsPerToken => _experts.AsSpan(0, _expertTokens);

    /// <summary>Asked before each layer with experts, in place of the session's own context; null = nobody.</summary>
    internal IRoutingAdvisor? Advisor { get; set; }

    /// <summary>The dial in force; NaN = the model's budget.</summary>
    internal float Dial
    {
        get
        {
            if (float.IsNaN(_budget))
            {
                return _quality;
            }

            int least = _model.Arbiter?.MinExperts ?? 1, range = _model.Config.Experts.PerToken - least;
            return range <= 0 ? 1 : Math.Clamp((_budget - least) / range, 0, 1);
        }
    }

    /// <summary>Begins a pass, or with 0 tokens forgets the last one.</summary>
    internal void BeginRouting(int tokens)
    {
        _expertTokens = 0;
        _experts.AsSpan(0, tokens).Clear();
        _tally.Clear();
    }

    /// <summary>Counts what a layer did with some rows of a chunk.</summary>
    internal void AddRouting(int index, RoutingBuffers buffers, in PassSegment segment, in RoutingReport report) =>
        _tally.Add(index, buffers, segment.Row, _experts.AsSpan(segment.Done, segment.Count), in report);

    /// <summary>Ends a pass.</summary>
    internal ForwardReport EndRouting(int tokens, TimeSpan time)
    {
        _expertTokens = tokens;
        Span<float> experts = _experts.AsSpan(0, tokens);
        TensorPrimitives.Divide(experts, Math.Max(1, _tally.Layers.Length), experts);
        ForwardReport report = _tally.End(tokens, time);
        Total = Total.Add(in report);
        return report;
    }
}
