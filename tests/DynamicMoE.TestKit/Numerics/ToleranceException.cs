namespace DynamicMoE.TestKit.Numerics;

/// <summary>An actual value lies outside the tolerance; the message names the worst element.</summary>
public sealed class ToleranceException(string message) : Exception(message);
