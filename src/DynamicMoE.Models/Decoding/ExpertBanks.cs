namespace DynamicMoE.Models;

/// <summary>Makes the experts of a layer: packed from tensors, or read in place from a packed file.</summary>
internal static class ExpertBanks
{
    /// <summary>The routed experts.</summary>
    public static ExpertBank Routed(WeightLoader loader, int layer)
    {
        ModelConfig config = loader.Checkpoint.Config;
        return Make(
            loader,
            config.Experts.Count,
            config.Experts.Width,
            PackedSection.Experts(layer),
            expert => config.Family.Expert(layer, expert));
    }

    /// <summary>The shared experts as one, or null.</summary>
    public static ExpertBank? Shared(WeightLoader loader, int layer)
    {
        ModelConfig config = loader.Checkpoint.Config;
        int width = config.Experts.SharedWidth;
        return width == 0 ? null : Make(loader, 1, width, PackedSection.Shared(layer), _ => config.Family.Shared(layer));
    }

    private static ExpertBank Make(WeightLoader loader, int experts, int width, string section, Func<int, MlpNames> names)
    {
        var options = new ExpertBankOptions
        {
            NumExperts = experts,
            Hidden = loader.Checkpoint.Config.HiddenSize,
            Width = width,
            Kind = ExpertKind.SwiGlu,
            Format = loader.ExpertFormat,
            Isa = loader.Options.Isa,
        };
        if (loader.Checkpoint.Packed is { } packed)
        {
            return packed.Experts(section, options);
        }

        ExpertBank bank = ExpertBank.Create(options);
        try
        {
            for (int expert = 0; expert < experts; expert++)
            {
                loader.Expert(bank, expert, names(expert));
            }

            return bank;
        }
        catch
        {
            bank.Dispose();
            throw;
        }
    }
}
