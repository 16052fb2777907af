using System.Globalization;
using System.Text.Json.Nodes;
using DynamicMoE.Models.Tests.Configuration;

namespace DynamicMoE.Models.Tests.Families;

/// <summary>Every row of families.tsv against the code.</summary>
public sealed class FamilyTableTests
{
    public static TheoryData<string, string> Defaults => Rows("default", f => f.Subject);

    public static TheoryData<string, string> Required => Rows("required", f => f.Subject);

    public static TheoryData<string, string> Roles => Rows("role", f => f.Subject);

    public static TheoryData<string, string> Rules => Rows("rule", f => $"{f.When} {f.Subject}");

    [Fact]
    public void Table_WhenRead_CoversEveryFamilyAndNamesPublicSources()
    {
        Assert.Equal(ModelFamilies.All.Select(f => f.ModelType).Order(), FamilyTable.Families.Order());
        Assert.All(FamilyTable.Facts, fact =>
        {
            Assert.Matches(@"^[\w.-]+/[\w.-]+:[\w./-]+\.py$", fact.Source);
            Assert.NotEmpty(fact.Symbol);
            Assert.Contains(fact.Kind, (string[])["tensor", "role", "default", "required", "rule"]);
        });
        Assert.Equal(FamilyTable.Facts.Count, FamilyTable.Facts.Select(f => (f.Family, f.Kind, f.When, f.Subject)).Distinct().Count());
    }

    [Theory, MemberData(nameof(Defaults))]
    public void Configure_WhenKeyIsAbsent_TakesTheDefaultOfThePublicClass(string family, string key)
    {
        FamilyFact fact = FamilyTable.Of(family, "default").Single(f => f.Subject == key);
        JsonObject config = FamilyConfigs.Create(family);
        config.Remove(key);
        // A width that is there but not asked for: it must stay without effect.
        if (key == "use_sliding_window")
        {
            config["sliding_window"] = 4;
        }

        if (family == "deepseek_v2")
        {
            config.Remove("topk_group");
        }

        // V3's default number of groups wants more experts than the small model has.
        if (family == "deepseek_v3")
        {
            config["n_routed_experts"] = 32;
            config["n_group"] = key == "n_group" ? null : 8;
        }

        Assert.Equal(fact.Value, Describe(FamilyConfigs.Read(config), key));
    }

    [Theory, MemberData(nameof(Required))]
    public void Configure_WhenRequiredKeyIsAbsent_NamesIt(string family, string key)
    {
        JsonObject config = FamilyConfigs.Create(family);
        config.Remove(key);

        Assert.Equal(key, Assert.Throws<ModelConfigurationException>(() => FamilyConfigs.Read(config)).Key);
    }

    [Theory, MemberData(nameof(Roles))]
    public void Names_WhenTensorIsAnExperts_HaveTheRoleOfThePublicClass(string family, string tensor)
    {
        FamilyFact fact = FamilyTable.Of(family, "role").Single(f => f.Subject == tensor);
        ModelFamily own = ModelFamilies.All.Single(f => f.ModelType == family);
        MlpNames names = fact.When == "shared" ? own.Shared(5) : own.Expert(5, 7);
        string expected = tensor.Replace("{layer}", "5", StringComparison.Ordinal).Replace("{expert}", "7", StringComparison.Ordinal);

        Assert.Equal(expected, fact.Value switch { "gate" => names.Gate, "up" => names.Up, _ => names.Down });
    }

    [Theory, MemberData(nameof(Rules))]
    public void Configure_WhenKeysAreSet_FollowsThePublicRule(string family, string rule)
    {
        FamilyFact fact = FamilyTable.Of(family, "rule").Single(f => $"{f.When} {f.Subject}" == rule);
        JsonObject config = FamilyConfigs.Create(family);
        foreach (string key in (string[])["head_dim", "mlp_only_layers", "decoder_sparse_step"])
        {
            config.Remove(key);
        }

        foreach (string setting in fact.Subject.Split(' ').Where(s => s != "-"))
        {
            string[] parts = setting.Split('=', 2);
            config[parts[0]] = JsonNode.Parse(parts[1]);
        }

        ModelConfig read = FamilyConfigs.Read(config);

        Assert.Equal(fact.Value, Outcome(read, fact.When));
    }

    private static string Outcome(ModelConfig c, string rule) => rule switch
    {
        "gate" => c.Experts.Gate.ToString(),
        "weighting" => c.Experts.Weighting.ToString(),
        "moe_layers" => string.Concat(c.MoELayers.Select(moe => moe ? '1' : '0')),
        "window" => Text(c.Attention!.SlidingWindow),
        "qk_norm" => c.Attention!.Norm.ToString(),
        "head_size" => Text(c.Attention!.HeadSize),
        "qkv_bias" => c.Attention!.QkvBias.ToString(),
        "output_bias" => c.Attention!.OutputBias.ToString(),
        "clip" => Text(c.Attention!.ClipQkv),
        "shared_gate" => c.Experts.HasSharedGate.ToString(),
        "shared_width" => Text(c.Experts.SharedWidth),
        "expert_width" => Text(c.Experts.Width),
        "scale" => Text(c.Experts.RoutedScale),
        "groups" => $"{c.Experts.Groups}/{c.Experts.TopGroups}/{c.Experts.GroupScore}",
        "selection_bias" => c.Experts.HasSelectionBias.ToString(),
        "missing_decoder_key" => c.MissingDecoderKey!,
        _ => throw new ArgumentOutOfRangeException(nameof(rule), rule, "families.tsv has a rule that the test does not know."),
    };

    private static string Describe(ModelConfig c, string key) => key switch
    {
        "rms_norm_eps" => Text(c.NormEpsilon),
        "rope_theta" => Text(c.Attention!.RopeTheta),
        "tie_word_embeddings" => c.TieWordEmbeddings.ToString(),
        "sliding_window" => Text(c.Attention!.SlidingWindow),
        "use_sliding_window" => (c.Attention!.SlidingWindow is not null).ToString(),
        "norm_topk_prob" => c.Experts.NormalizeTopK.ToString(),
        "decoder_sparse_step" => c.MoELayers.Count(moe => moe) >= c.LayerCount - 1 ? "1" : "more",
        "mlp_only_layers" => c.MoELayers.Contains(false) == (c.ModelType == "qwen3_moe") ? "none" : "some",
        "qkv_bias" or "attention_bias" => c.Attention!.QkvBias.ToString(),
        "clip_qkv" => Text(c.Attention!.ClipQkv),
        "num_key_value_heads" => c.Attention!.KeyValueHeads == c.Attention.QueryHeads ? "num_attention_heads" : "other",
        "routed_scaling_factor" => Text(c.Experts.RoutedScale),
        "topk_method" => c.Experts.Groups == 1 ? "greedy" : "grouped",
        "first_k_dense_replace" => Text(c.MoELayers.TakeWhile(moe => !moe).Count() is var dense && dense == c.LayerCount ? 3 : dense),
        "n_group" => Text(c.Experts.Groups),
        "topk_group" => Text(c.Experts.TopGroups),
        "n_shared_experts" => Text(c.Experts.SharedWidth / c.Experts.Width),
        _ => throw new ArgumentOutOfRangeException(nameof(key), key, "families.tsv has a default that the test does not know."),
    };

    private static string Text(IFormattable? value) => value?.ToString(null, CultureInfo.InvariantCulture) ?? "null";

    private static TheoryData<string, string> Rows(string kind, Func<FamilyFact, string> subject)
    {
        var data = new TheoryData<string, string>();
        foreach (FamilyFact fact in FamilyTable.Facts.Where(f => f.Kind == kind))
        {
            data.Add(fact.Family, subject(fact));
        }

        return data;
    }
}
