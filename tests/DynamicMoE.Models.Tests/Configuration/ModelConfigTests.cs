using System.Text;
using System.Text.Json.Nodes;

namespace DynamicMoE.Models.Tests.Configuration;

public sealed class ModelConfigTests
{
    [Theory]
    [InlineData("mixtral", "hidden_act", "\"gelu\"")]
    [InlineData("mixtral", "quantization_config", "{\"quant_method\":\"fp8\"}")]
    [InlineData("mixtral", "hidden_size", "0")]
    [InlineData("mixtral", "hidden_size", "-1")]
    [InlineData("mixtral", "hidden_size", "\"32\"")]
    [InlineData("mixtral", "hidden_size", "32.5")]
    [InlineData("mixtral", "hidden_size", "4294967296")]
    [InlineData("mixtral", "num_hidden_layers", "1000000000")]
    [InlineData("mixtral", "num_local_experts", "5000")]
    [InlineData("mixtral", "num_experts_per_tok", "9")]
    [InlineData("mixtral", "num_experts_per_tok", "0")]
    [InlineData("mixtral", "num_key_value_heads", "3")]
    [InlineData("mixtral", "head_dim", "7")]
    [InlineData("mixtral", "rms_norm_eps", "-1")]
    [InlineData("mixtral", "rms_norm_eps", "1e999")]
    [InlineData("mixtral", "rope_theta", "0")]
    [InlineData("mixtral", "tie_word_embeddings", "\"yes\"")]
    [InlineData("mixtral", "sliding_window", "0")]
    [InlineData("mixtral", "eos_token_id", "64")]
    [InlineData("mixtral", "eos_token_id", "[1,\"2\"]")]
    [InlineData("mixtral", "partial_rotary_factor", "0.5")]
    [InlineData("mixtral", "layer_types", "[\"sliding_attention\"]")]
    [InlineData("mixtral", "model_type", "\"llama\"")]
    [InlineData("mixtral", "model_type", "7")]
    [InlineData("qwen2_moe", "use_sliding_window", "true")]
    [InlineData("qwen2_moe", "decoder_sparse_step", "0")]
    [InlineData("qwen2_moe", "mlp_only_layers", "[99]")]
    [InlineData("qwen2_moe", "shared_expert_intermediate_size", "0")]
    [InlineData("qwen3_moe", "norm_topk_prob", "1")]
    [InlineData("olmoe", "clip_qkv", "-1")]
    [InlineData("olmoe", "head_dim", "16")]
    [InlineData("deepseek", "scoring_func", "\"sigmoid\"")]
    [InlineData("deepseek", "n_shared_experts", "4000000")]
    [InlineData("deepseek", "moe_layer_freq", "0")]
    [InlineData("deepseek", "first_k_dense_replace", "-1")]
    [InlineData("deepseek_v2", "topk_method", "\"noaux_tc\"")]
    [InlineData("deepseek_v2", "norm_topk_prob", "true")]
    [InlineData("deepseek_v2", "n_group", "3")]
    [InlineData("deepseek_v3", "topk_method", "\"greedy\"")]
    [InlineData("deepseek_v3", "scoring_func", "\"softmax\"")]
    [InlineData("deepseek_v3", "topk_group", "5")]
    [InlineData("deepseek_v3", "n_group", "16")]
    [InlineData("deepseek_v3", "routed_scaling_factor", "0")]
    public void Read_WhenValueIsNotSupported_NamesTheKeyAndTheValue(string family, string key, string value)
    {
        JsonObject config = FamilyConfigs.Create(family);
        config[key] = JsonNode.Parse(value);

        var e = Assert.Throws<ModelConfigurationException>(() => FamilyConfigs.Read(config));

        Assert.Equal(key, e.Key);
        Assert.Contains(value, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rope_scaling", "{\"type\":\"linear\",\"factor\":2.0}", "rope_scaling.type")]
    [InlineData("rope_scaling", "{\"rope_type\":\"yarn\",\"factor\":4.0}", "rope_scaling.rope_type")]
    [InlineData("rope_parameters", "{\"rope_type\":\"llama3\",\"rope_theta\":10000.0}", "rope_parameters.rope_type")]
    [InlineData("rope_parameters", "{\"rope_theta\":10000.0,\"partial_rotary_factor\":0.5}", "rope_parameters.partial_rotary_factor")]
    [InlineData("rope_scaling", "7", "rope_scaling")]
    public void Read_WhenRotaryEmbeddingIsScaled_NamesTheInnerKey(string key, string value, string named)
    {
        JsonObject config = FamilyConfigs.Create("qwen3_moe");
        config[key] = JsonNode.Parse(value);

        Assert.Equal(named, Assert.Throws<ModelConfigurationException>(() => FamilyConfigs.Read(config)).Key);
    }

    [Fact]
    public void Read_WhenRopeParametersAreNewStyle_TakesTheirTheta()
    {
        JsonObject config = FamilyConfigs.Create("qwen3_moe");
        config.Remove("rope_theta");
        config["rope_parameters"] = JsonNode.Parse("""{"rope_type":"default","rope_theta":5e5}""");

        Assert.Equal(5e5, FamilyConfigs.Read(config).Attention!.RopeTheta);
    }

    [Fact]
    public void Read_WhenExpertCountHasItsNewerName_TakesIt()
    {
        JsonObject config = FamilyConfigs.Create("qwen3_moe");
        config.Remove("num_experts");
        config["num_local_experts"] = 6;

        Assert.Equal(6, FamilyConfigs.Read(config).Experts.Count);
    }

    [Theory]
    [InlineData("7", new[] { 7 })]
    [InlineData("[7,9]", new[] { 7, 9 })]
    [InlineData("null", new int[0])]
    public void Read_WhenEndOfTextIsNumberOrList_TakesBoth(string json, int[] expected)
    {
        JsonObject config = FamilyConfigs.Create("olmoe");
        config["eos_token_id"] = JsonNode.Parse(json);

        Assert.Equal(expected, FamilyConfigs.Read(config).EndOfText);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("{\"model_type\":\"mixtral\",}")]
    [InlineData("{\"model_type\":\"mixtral\",\"model_type\":\"mixtral\"}")]
    [InlineData("{\"model_type\":\"\\ud800\"}")]
    [InlineData("{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}")]
    public void Read_WhenFileIsNotAStrictObject_NamesTheFile(string json)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(json));

        var e = Assert.Throws<ModelConfigurationException>(() => ModelConfig.Read(stream, "config.json"));

        Assert.Equal("config.json", e.File);
    }

    [Fact]
    public void Read_WhenBytesAreNotUtf8OrTooMany_NamesTheFile()
    {
        using var broken = new MemoryStream([(byte)'{', (byte)'"', 0xFF, (byte)'"', (byte)':', (byte)'1', (byte)'}']);
        using var large = new MemoryStream(new byte[(1 << 20) + 1]);

        Assert.Throws<ModelConfigurationException>(() => ModelConfig.Read(broken, "config.json"));
        Assert.Contains("1048576", Assert.Throws<ModelConfigurationException>(() => ModelConfig.Read(large, "config.json")).Message, StringComparison.Ordinal);
    }

    // Each key once with a value of every kind: read, or refused with our exception.
    [Theory]
    [InlineData("mixtral")]
    [InlineData("qwen2_moe")]
    [InlineData("qwen3_moe")]
    [InlineData("olmoe")]
    [InlineData("deepseek")]
    [InlineData("deepseek_v2")]
    [InlineData("deepseek_v3")]
    public void Read_WhenAnyKeyHasAnyKindOfValue_IsReadOrRefused(string family)
    {
        string[] values = ["null", "true", "-1", "0", "1", "2147483648", "1e300", "\"x\"", "[]", "[null]", "[{}]", "{}", "{\"type\":1}"];
        string[] keys = [.. FamilyConfigs.Create(family).Select(entry => entry.Key), "layer_types", "rope_parameters", "head_dim", "mlp_bias"];
        foreach (string key in keys)
        {
            foreach (string value in values)
            {
                JsonObject config = FamilyConfigs.Create(family);
                config[key] = JsonNode.Parse(value);
                try
                {
                    FamilyConfigs.Read(config);
                }
                catch (ModelConfigurationException e)
                {
                    Assert.NotNull(e.Key);
                }
            }
        }
    }

    [Fact]
    public void Read_WhenArgumentIsNull_IsRefused()
    {
        Assert.Throws<ArgumentNullException>(() => ModelConfig.Read(null!, "name"));
        Assert.Throws<ArgumentNullException>(() => ModelConfig.Read(Stream.Null, null!));
    }
}
