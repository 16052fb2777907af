namespace DynamicMoE;

/// <summary>What router, experts and options of a layer must agree on.</summary>
internal static class LayerRules
{
    internal static void Check(IRouter router, ExpertSource experts, MoELayerOptions options, CapacityLimit? limit)
    {
        bool dynamic = RouterChain.Dynamic(router) is not null;
        OptionRules rules = new OptionRules(nameof(MoELayer))
            .Require(limit is null || router.CanLimit, $"A capacity limit needs a router with RouteWithin; {router.GetType().Name} has none.")
            .Require(options.SharedExperts is null || !experts.Managed, $"SharedExperts need native experts; these are managed.")
            .Require(!experts.Managed || (options.Device.Kind != ComputeDeviceKind.Cuda && options.CudaDevice is null),
                $"Device ({options.Device}) needs native experts; these are managed.")
            .Require(options.ExpertFaults == ExpertFaultPolicy.Fail || dynamic,
                $"ExpertFaults ({options.ExpertFaults}) needs a DynamicRouter, not {router.GetType().Name}.")
            .Require(options.Guardrail is null || (dynamic && limit is null),
                $"Guardrail needs a DynamicRouter, not {router.GetType().Name}, and no capacity limit.");
        bool sameNumber = experts.NumExperts == router.NumExperts;
        if (experts.Managed)
        {
            rules = rules.Require(sameNumber, $"numExperts ({experts.NumExperts}) differs from the router's ({router.NumExperts}).");
        }
        else
        {
            rules = rules
                .Require(sameNumber, $"The experts are {experts.NumExperts}, the router has {router.NumExperts}.")
                .Require(experts.Hidden == router.InputDim, $"The experts have hidden size {experts.Hidden}, the router has {router.InputDim}.");
        }

        RequireOpen(experts.Given);
        RequireOpen(options.SharedExperts);
        rules.ThrowIfBroken();
    }

    private static void RequireOpen(ExpertBank? bank)
    {
        if (bank is not null)
        {
            ObjectDisposedException.ThrowIf(bank.Handle.IsClosed, bank);
        }
    }
}
