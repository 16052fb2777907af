namespace DynamicMoE.Tests.Support;

/// <summary>The formats that experts can be kept in.</summary>
internal static class Formats
{
    public static IReadOnlyList<WeightFormat> All { get; } = [WeightFormat.Float32, WeightFormat.BFloat16];
}
