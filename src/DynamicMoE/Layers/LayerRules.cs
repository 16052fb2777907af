using DynamicMoE.Native;

namespace DynamicMoE;

/// <summary>What router, experts and options of a layer must agree on.</summary>
internal static class LayerRules
{
    internal static void Check(IRouter router, ExpertBank? bank, IExpert[]? managed, MoELayerOptions options, CapacityLimit? limit)
    {
        OptionRules rules = new OptionRules(nameof(MoELayer))
            .Require(limit is null || router is DynamicRouter, $"A capacity limit needs a DynamicRouter, not {router.GetType().Name}.")
            .Require(options.SharedExperts is null || managed is null, $"SharedExperts need native experts; these are managed.");
        if (bank is not null)
        {
            ObjectDisposedException.ThrowIf(bank.Handle.IsClosed, bank);
            rules = rules
                .Require(bank.NumExperts == router.NumExperts, $"The experts are {bank.NumExperts}, the router has {router.NumExperts}.")
                .Require(bank.Hidden == router.InputDim, $"The experts have hidden size {bank.Hidden}, the router has {router.InputDim}.");
        }

        if (options.SharedExperts is { } shared)
        {
            ObjectDisposedException.ThrowIf(shared.Handle.IsClosed, shared);
        }

        rules.ThrowIfBroken();
    }
}
