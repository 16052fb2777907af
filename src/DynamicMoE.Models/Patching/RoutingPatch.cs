using Microsoft.Extensions.Logging;

namespace DynamicMoE.Models;

/// <summary>Switches blocks between the checkpoint's static rule and dynamic routing: all that were asked for, or none.</summary>
internal static class RoutingPatch
{
    /// <returns>What decides the budget of the switched layers, and what holds its latency target; null where there is none.</returns>
    /// <exception cref="ModelPatchingException">A layer cannot be switched; nothing was.</exception>
    public static (BudgetArbiter? Arbiter, LatencyController? Latency) Apply(
        ModelConfig config, IReadOnlyList<MoEBlock> blocks, DynamicRoutingOptions options, ModelLoadOptions load)
    {
        ILogger? logger = load.Logger;
        options = options.Ordered();
        List<MoEBlock> chosen = Choose(config, blocks, options.Layers);
        if (options.Weighting is { } weighting && weighting != config.Experts.Weighting && Enum.IsDefined(weighting) && logger is not null)
        {
            Log.OtherWeighting(logger, weighting, config.ModelType, config.Experts.Weighting);
        }

        using var built = new DisposalList();
        var layers = new List<RoutedLayer>();
        BudgetArbiter? arbiter = null;
        LatencyController? latency = null;
        foreach (MoEBlock block in chosen)
        {
            try
            {
                if (layers.Count == 0)
                {
                    arbiter = options.ToArbiter(block.Config, [.. chosen.Select(other => other.Layer)], logger);
                    latency = options.ToLatency(arbiter, load.TimeProvider);
                }

                layers.Add(built.Add(block.Build(options.ToRouter(block.Config, block.Layer, arbiter, layers.Count), options.Guardrail, load.ExpertFaults)));
            }
            catch (DynamicMoEException e)
            {
                throw new ModelPatchingException($"Layer {block.Layer} ({block.GateTensor}) cannot be switched: {e.Message}", e);
            }
        }

        // Nothing fails from here on: the blocks take over what was built.
        built.Release();
        foreach (MoEBlock block in blocks)
        {
            int index = chosen.IndexOf(block);
            block.Use(index < 0 ? null : layers[index]);
        }

        return (arbiter, latency);
    }

    /// <exception cref="ModelPatchingException">No layer has experts.</exception>
    public static void RequireExperts(ModelConfig config, IReadOnlyList<MoEBlock> blocks)
    {
        if (blocks.Count == 0)
        {
            throw new ModelPatchingException($"No layer of this {config.ModelType} model has experts: {config.Family.Gate(0)} and its like are not part of it.");
        }
    }

    private static List<MoEBlock> Choose(ModelConfig config, IReadOnlyList<MoEBlock> blocks, IReadOnlyList<int>? layers)
    {
        RequireExperts(config, blocks);
        if (layers is null)
        {
            return [.. blocks];
        }

        var chosen = new List<MoEBlock>();
        foreach (int layer in layers.Distinct())
        {
            chosen.Add(blocks.FirstOrDefault(b => b.Layer == layer) ?? throw new ModelPatchingException(
                $"Layer {layer} has no experts: the model has no tensor {config.Family.Gate(layer)}. Layers with experts: {string.Join(", ", blocks.Select(b => b.Layer))}."));
        }

        return chosen;
    }
}
