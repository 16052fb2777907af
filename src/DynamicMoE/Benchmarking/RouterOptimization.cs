namespace DynamicMoE;

/// <summary>An optimisation whose effect <see cref="DynamicMoEBenchmark.RunScalingBenchmark"/> measures.</summary>
/// <param name="Name">Name in results and report; other than <see cref="DynamicMoEBenchmark.BaseVariant"/>.</param>
/// <param name="Apply">Puts it around a router. What it returns is disposed before the router, if it can be.</param>
public sealed record RouterOptimization(string Name, Func<IRouter, IRouter> Apply);
