namespace DynamicMoE;

/// <summary>Where a benchmark is. Reported between measurements, never inside one.</summary>
/// <param name="Benchmark">One of <see cref="BenchmarkKinds"/>.</param>
/// <param name="Done">Results that are there.</param>
/// <param name="Total">Results that there will be.</param>
/// <param name="Current">What is measured next; empty when all is done.</param>
public sealed record BenchmarkProgress(string Benchmark, int Done, int Total, string Current);
