using DynamicMoE.Models;

namespace DynamicMoE.Cli.Tests.Sweep;

/// <summary>Looks into each layer with experts and tells the routers nothing.</summary>
internal sealed class Probe(Probe.Look look) : IRoutingAdvisor
{
    public delegate void Look(RoutedInput input);

    public int Calls { get; private set; }

    public RoutingContext? Advise(in RoutedInput input)
    {
        Calls++;
        look(input);
        return null;
    }
}
