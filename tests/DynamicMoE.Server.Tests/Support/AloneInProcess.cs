namespace DynamicMoE.Server.Tests;

/// <summary>Tests that read metrics. Hosts of one process have meters of the same names: when one of them ends, the series that it shared with the others end too.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class AloneInProcess
{
    public const string Name = "alone in the process";
}
