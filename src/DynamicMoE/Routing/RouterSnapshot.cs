namespace DynamicMoE;

/// <summary>What a <see cref="DynamicRouter"/> learnt beside its threshold, to be kept (as JSON, if so wished) and restored. The threshold is part of the
/// arbiter's <see cref="AdaptationSnapshot"/>; usage, experts out of service and what gathers for the next step of load balancing are part of neither.</summary>
/// <param name="LoadBias">Bias that load balancing adds for choosing, per expert; null without <see cref="LoadBalancingMode.SelectionBias"/>.</param>
/// <param name="LoadShares">Running share of the routes, per expert; null without <see cref="LoadBalancingMode.WeightPenalty"/>.</param>
/// <param name="LoadFactors">Factor on the weights, per expert; null without <see cref="LoadBalancingMode.WeightPenalty"/>.</param>
/// <param name="Scores">Tables of the estimator's raw values: its own, then its fallback's; null without an estimator that normalises.</param>
public sealed record RouterSnapshot(
    IReadOnlyList<float>? LoadBias, IReadOnlyList<double>? LoadShares, IReadOnlyList<float>? LoadFactors, IReadOnlyList<ScoreTableSnapshot>? Scores);

/// <summary>A running distribution of raw values.</summary>
/// <param name="Tokens">Values seen; 0 = the quantiles say nothing.</param>
/// <param name="Values">64 quantiles at the levels (i + 0.5) / 64, ascending.</param>
public sealed record ScoreTableSnapshot(double Tokens, IReadOnlyList<float> Values);
