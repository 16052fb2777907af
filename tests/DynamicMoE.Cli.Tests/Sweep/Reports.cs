using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Cli.Sweep.Report;

namespace DynamicMoE.Cli.Tests.Sweep;

/// <summary>Made-up results.</summary>
internal static class Reports
{
    public static SweepRow Row(string signal, double? budget, double bits = 2.1) => new()
    {
        Name = budget is null ? $"static top-{signal}" : FormattableString.Invariant($"{signal} {budget}"),
        Signal = budget is null ? "static" : signal,
        Weighting = "trained_scale",
        Budget = budget,
        MeanExpertsPerToken = budget ?? double.Parse(signal, System.Globalization.CultureInfo.InvariantCulture),
        BitsPerByte = bits,
        Loss = 0.01,
        LossStandardError = 0.002,
        ShareOfGap = 0.05,
        ShareOfGapUpper = 0.07,
        ShareOfTrainedScaleGap = 0.06,
        ErrorsBelowRandom = budget is null ? null : 12.34,
    };

    public static SweepTime Time(string name, double experts, double ratio) =>
        new() { Name = name, MeanExpertsPerToken = experts, MoeWallSeconds = ratio, Ratio = ratio };

    public static SweepReport Report { get; } = new()
    {
        Model = new EvaluationModelInfo
        {
            Name = "TinyMoE", Family = "mixtral", Layers = 4, MoeLayers = 4, Experts = 8, TrainedExperts = 2, Window = 512, Batch = 512, Format = "f32",
        },
        Text = new EvaluationTextInfo { Source = "a file", Bytes = 530953, Tokens = 530953, WarmupSource = "the rest", WarmupBytes = 8192 },
        Machine = new EvaluationMachineInfo { Isa = "avx2", Threads = 2, Cpu = "cpu", LibraryVersion = "0.1.0", Device = "cpu" },
        Windows = 200,
        WindowTokens = 256,
        ScoredTokens = 51000,
        CalibrationTokens = 12800,
        CalibrationSource = "windows between them",
        Gap = new SweepGap { BitsPerByte = 0.05, StandardError = 0.001, TrainedScaleBitsPerByte = 0.04 },
        Rows = [Row("1", null, 2.2), Row("2", null, 2), Row("confidence", 1.25), Row("confidence", 1.5, 2.05), Row("random", 1.5, 2.15)],
        Times = [Time("static top-2", 2, 1), Time("dynamic 1.5", 1.5, 0.8)],
        Bars = [new SweepBar { Name = "share_of_gap_upper", Budget = 1.5, Value = 0.07, Limit = 0.08, Met = true }],
        BestSignal = "confidence",
    };
}
