using DynamicMoE.ServiceLoad.Report;

namespace DynamicMoE.ServiceLoad;

/// <summary>A question to the service under load or with a fault.</summary>
internal interface IScenario
{
    /// <summary>Name on the command line.</summary>
    string Name { get; }

    /// <summary>What it does and asks.</summary>
    string Question { get; }

    Task RunAsync(Setup setup, Findings findings, CancellationToken cancellation);
}
