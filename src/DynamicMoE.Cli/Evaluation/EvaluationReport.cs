using DynamicMoE.Cli.Diagnosis;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Evaluation;

/// <summary>One row of the table.</summary>
internal sealed record EvaluationRow
{
    /// <summary>"static top-2", "dynamic 1.5".</summary>
    public required string Name { get; init; }

    /// <summary>Mean experts per token that was asked for; null = static.</summary>
    public double? Budget { get; init; }

    /// <summary>-log2 p per byte of scored text.</summary>
    public required double BitsPerByte { get; init; }

    /// <summary>Routes over tokens and MoE layers.</summary>
    public required double MeanExpertsPerToken { get; init; }

    /// <summary>Experts with at least one route, mean over MoE layers and batches.</summary>
    public required double DistinctExpertsPerBatch { get; init; }

    /// <summary>Floating-point operations of gates, routed and shared experts over the whole text; two per weight.</summary>
    public required double MoeFlops { get; init; }

    /// <summary>Wall time of the MoE layers, seconds: that of the median window per token, times all tokens.</summary>
    public required double MoeWallSeconds { get; init; }

    /// <summary>Tokens per second of the whole model in the median window.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>1 - FLOPs / FLOPs of the first row.</summary>
    public required double FlopsSaving { get; init; }

    /// <summary>1 - MoE wall time / that of the first row.</summary>
    public required double WallSaving { get; init; }
}

/// <summary>The text that was run.</summary>
internal sealed record EvaluationTextInfo
{
    /// <summary>Where it comes from.</summary>
    public required string Source { get; init; }

    /// <summary>UTF-8 bytes that were evaluated.</summary>
    public required long Bytes { get; init; }

    /// <summary>Tokens of them.</summary>
    public required long Tokens { get; init; }

    /// <summary>Where the text comes from on which the dynamic rows found their first thresholds.</summary>
    public required string WarmupSource { get; init; }

    /// <summary>UTF-8 bytes of it; none of them is evaluated.</summary>
    public required long WarmupBytes { get; init; }
}

/// <summary>The model that was run.</summary>
internal sealed record EvaluationModelInfo
{
    /// <summary>Path or built-in name.</summary>
    public required string Name { get; init; }

    /// <summary>model_type of its configuration.</summary>
    public required string Family { get; init; }

    /// <summary>Decoder layers.</summary>
    public required int Layers { get; init; }

    /// <summary>Layers with experts.</summary>
    public required int MoeLayers { get; init; }

    /// <summary>Routed experts per MoE layer.</summary>
    public required int Experts { get; init; }

    /// <summary>Experts per token in training.</summary>
    public required int TrainedExperts { get; init; }

    /// <summary>Tokens per window: the context that a token can see at most.</summary>
    public required int Window { get; init; }

    /// <summary>Tokens per pass through the model, at most.</summary>
    public required int Batch { get; init; }

    /// <summary>How experts are kept: f32, bf16, q8 or q4.</summary>
    public required string Format { get; init; }
}

/// <summary>The machine as the native core sees it.</summary>
internal sealed record EvaluationMachineInfo
{
    /// <summary>Instruction-set level.</summary>
    public required string Isa { get; init; }

    /// <summary>Threads of a native call.</summary>
    public required int Threads { get; init; }

    /// <summary>The processor, as it calls itself.</summary>
    public required string Cpu { get; init; }

    /// <summary>Version of the native library.</summary>
    public required string LibraryVersion { get; init; }

    /// <summary>Where the MoE layers compute: cpu or cuda:N.</summary>
    public required string Device { get; init; }

    /// <summary>This machine.</summary>
    /// <param name="threads">Threads of a native call; 0 = the pool's.</param>
    /// <param name="model">What runs there.</param>
    public static EvaluationMachineInfo Of(int threads, MoEModel model)
    {
        RuntimeInfo runtime = RuntimeInfo.Query();
        return new EvaluationMachineInfo
        {
            Isa = Doctor.IsaName(runtime.Isa),
            Threads = threads == 0 ? runtime.PoolThreads : threads,
            Cpu = runtime.CpuName,
            LibraryVersion = runtime.LibraryVersion,
            Device = model.MoELayers[0].Device.ToString(),
        };
    }

    /// <summary>Instruction set, threads and device in a few words.</summary>
    public string Line() => FormattableString.Invariant($"{Isa}, {Threads} threads{(Device == ComputeDevice.Cpu.ToString() ? "" : $", MoE layers on {Device}")}");
}

/// <summary>Everything that an evaluation found.</summary>
internal sealed record EvaluationReport
{
    /// <summary>Model.</summary>
    public required EvaluationModelInfo Model { get; init; }

    /// <summary>Text.</summary>
    public required EvaluationTextInfo Text { get; init; }

    /// <summary>Machine.</summary>
    public required EvaluationMachineInfo Machine { get; init; }

    /// <summary>Rows; the first is what the savings refer to.</summary>
    public required IReadOnlyList<EvaluationRow> Rows { get; init; }
}
