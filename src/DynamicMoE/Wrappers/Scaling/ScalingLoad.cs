namespace DynamicMoE;

/// <summary>What an autoscaler measured.</summary>
/// <param name="P95">Seconds.</param>
/// <param name="Queue">Mean number of calls that wait for a core.</param>
/// <param name="Utilization">Share of the pool's threads that callers hold.</param>
internal readonly record struct ScalingLoad(double P95, double Queue, double Utilization);
