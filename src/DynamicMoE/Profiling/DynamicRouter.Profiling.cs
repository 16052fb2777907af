namespace DynamicMoE;

/// <content>What the profilers have to know of a router.</content>
public partial class DynamicRouter
{
    /// <summary>What a batch asks of the router, whatever its tokens are.</summary>
    internal RoutingWork WorkOf(RoutingContext? context)
    {
        bool counted = context is { ExpertCounts.IsEmpty: false };
        ScoreWork score = context is { ComplexityScores.IsEmpty: false } ? ScoreWork.Given
            : _fused is not null && _calibrated is not null && !counted && Strategy == RoutingStrategy.TopK ? ScoreWork.FusedBefore
            : _fused is not null || counted ? ScoreWork.Fused
            : ScoreWork.Estimator;
        return new RoutingWork(
            score, score == ScoreWork.Estimator ? null : _fused ?? ScoreSource.RouterMargin, Estimator, _options.NoiseFactor > 0, ChangesWeights);
    }
}

/// <summary>Where a batch's scores are computed.</summary>
internal enum ScoreWork
{
    /// <summary>Nowhere: the caller brings them.</summary>
    Given,

    /// <summary>Inside the routing call.</summary>
    Fused,

    /// <summary>Inside a routing call of their own, since they are mapped through a calibration.</summary>
    FusedBefore,

    /// <summary>By an estimator before the routing call.</summary>
    Estimator,
}

/// <summary>What a batch asks of a router.</summary>
/// <param name="Score">Where scores are computed.</param>
/// <param name="Fused">The score of the routing call; null when an estimator runs.</param>
/// <param name="Estimator">The router's estimator, or null.</param>
/// <param name="Noise">Whether noise is added to the logits.</param>
/// <param name="PenalisesWeights">Whether weights of overused experts are lowered after the decisions.</param>
internal readonly record struct RoutingWork(ScoreWork Score, ScoreSource? Fused, ComplexityEstimator? Estimator, bool Noise, bool PenalisesWeights);
