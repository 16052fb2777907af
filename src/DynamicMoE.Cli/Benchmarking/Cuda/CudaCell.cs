namespace DynamicMoE.Cli.Benchmarking.Cuda;

/// <summary>One cell measured on a CUDA device.</summary>
internal sealed record CudaCell
{
    /// <summary>Letter of the shape, or its numbers.</summary>
    public required string Shape { get; init; }

    public required int Tokens { get; init; }

    /// <summary>Format of the weights.</summary>
    public required string Format { get; init; }

    /// <summary>The device, as it calls itself.</summary>
    public required string Device { get; init; }

    /// <summary>Compute capability.</summary>
    public required string ComputeCapability { get; init; }

    /// <summary>CUDA version of the driver.</summary>
    public required string Driver { get; init; }

    /// <summary>Time per batch in device memory, median: from the call to the end of its task.</summary>
    public required double Milliseconds { get; init; }

    /// <summary>Time per batch in host memory, median: with the copies there and back.</summary>
    public required double MillisecondsWithCopies { get; init; }

    /// <summary>Repetitions that the medians are taken of.</summary>
    public required int Repetitions { get; init; }

    /// <summary>What the model says; null = nothing is known of the card's architecture.</summary>
    public double? ModelMilliseconds { get; init; }

    /// <summary>Where the model has the card's figures from; null without a model.</summary>
    public string? ModelSource { get; init; }

    /// <summary>Measured over modelled; null without a model.</summary>
    public double? RatioToModel { get; init; }
}
