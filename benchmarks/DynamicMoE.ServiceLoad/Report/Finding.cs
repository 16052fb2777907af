namespace DynamicMoE.ServiceLoad.Report;

/// <summary>A figure, with its bar if it has one.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Measured">Value and unit.</param>
/// <param name="Needed">The bar; null: a figure without one.</param>
/// <param name="Holds">Whether the bar is kept.</param>
internal sealed record Finding(string Name, string Measured, string? Needed, bool Holds);
