namespace DynamicMoE.Tests.Support;

/// <summary>Tests with listeners to whole sources, which see and slow down everything in the process, and those that such listeners would disturb.</summary>
[CollectionDefinition(Name)]
public sealed class TelemetryListeners
{
    public const string Name = "telemetry";
}
