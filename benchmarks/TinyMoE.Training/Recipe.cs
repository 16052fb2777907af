namespace TinyMoE.Training;

/// <summary>Every number that decides what a training run yields, apart from the corpus and the model's sizes.</summary>
internal sealed record Recipe
{
    public int Steps { get; init; } = 4400;
    public int WarmupSteps { get; init; } = 100;
    public int BatchWindows { get; init; } = 4;
    public int WindowBytes { get; init; } = 512;
    public double PeakLearningRate { get; init; } = 2.5e-3;
    public double FinalLearningRateShare { get; init; } = 0.02;
    public double Beta1 { get; init; } = 0.9;
    public double Beta2 { get; init; } = 0.98;
    public double WeightDecay { get; init; } = 0.05;

    /// <summary>
    /// Ten times that of the other matrices. With their decay the gates grew so sharp in 1,850 steps that the second expert held 1 to 17 % of the
    /// weight (mean per layer), and what it does could hardly be measured.
    /// </summary>
    public double GateWeightDecay { get; init; } = 0.5;

    public double GradientNormLimit { get; init; } = 1.0;
    public double BalanceCoefficient { get; init; } = 0.01;
    public double InitialDeviation { get; init; } = 0.05;
    public double GateInitialDeviation { get; init; } = 0.02;
    public int Seed { get; init; } = 20261123;

    /// <summary>Linear warm-up, then half a cosine down to the final share.</summary>
    /// <param name="step">Steps done.</param>
    /// <param name="progress">Share of the run that is over, 0 to 1.</param>
    public double LearningRate(int step, double progress)
    {
        var cosine = 0.5 * (1 + Math.Cos(Math.PI * Math.Min(progress, 1)));
        var decayed = PeakLearningRate * (FinalLearningRateShare + (1 - FinalLearningRateShare) * cosine);
        return decayed * Math.Min(1, (step + 1.0) / WarmupSteps);
    }
}
