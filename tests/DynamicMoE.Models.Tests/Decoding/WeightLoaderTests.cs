using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Decoding;

/// <summary>What tensors may hold, and that packing refuses what loading would.</summary>
public sealed class WeightLoaderTests : IDisposable
{
    private const string Expert = "model.layers.1.block_sparse_moe.experts.5.";

    private readonly TemporaryDirectory _directory = new();

    private string Folder => _directory["model"];

    private string Packed => _directory["model.dmoe"];

    [Theory]
    [InlineData(WeightFormat.Q4, Expert + "w1.weight", 458_529)]
    [InlineData(WeightFormat.Q4, Expert + "w2.weight", -1e6)]
    [InlineData(WeightFormat.Q8, Expert + "w3.weight", 8_319_009)]
    [InlineData(WeightFormat.BFloat16, Expert + "w2.weight", 3.4e38)]
    [InlineData(WeightFormat.BFloat16, Expert + "w3.weight", double.NaN)]
    [InlineData(WeightFormat.BFloat16, "lm_head.weight", -3.4e38)]
    [InlineData(WeightFormat.Q8, "model.layers.0.self_attn.k_proj.weight", 3.4e38)]
    public void LoadAndPack_WhenAValueIsBeyondTheFormat_NameTheTensor(WeightFormat format, string tensor, double value)
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.Mixtral);
        checkpoint.Tensors[tensor].Data[^1] = value;
        checkpoint.Save(Folder);

        var loaded = Assert.Throws<CheckpointFormatException>(() => MoEModel.Load(Folder, new ModelLoadOptions { WeightFormat = format }));
        var packed = Assert.Throws<CheckpointFormatException>(() => PackedModel.Pack(Folder, Packed, format));

        Assert.Equal((tensor, tensor), (loaded.Tensor, packed.Tensor));
        Assert.Equal(loaded.Message, packed.Message);
        Assert.Equal(["model"], Directory.EnumerateFileSystemEntries(_directory.Path).Select(Path.GetFileName));
    }

    // Norms and gates are kept in float32, the embedding as it is stored, whatever the format of products.
    [Theory]
    [InlineData("model.norm.weight")]
    [InlineData("model.layers.2.block_sparse_moe.gate.weight")]
    [InlineData("model.embed_tokens.weight")]
    public void Pack_WhenALargeValueIsInFloat32_TakesWhatLoads(string tensor)
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.Mixtral);
        checkpoint.Tensors[tensor].Data[^1] = 3.4e38;
        checkpoint.Save(Folder);

        _ = PackedModel.Pack(Folder, Packed, WeightFormat.Q4);

        MoEModel.Load(Packed).Dispose();
    }

    [Fact]
    public void LoadAndPack_WhenATensorHasMoreBytesThanCanBeLoaded_NameIt()
    {
        DecoderSettings small = FamilySettings.Create(ReferenceFamily.Mixtral);
        SaveSparse(small with { Vocabulary = 1 << 24, Hidden = 64, HeadDim = 64 / small.Heads });

        var loaded = Assert.Throws<CheckpointFormatException>(() => MoEModel.Load(Folder));
        var packed = Assert.Throws<CheckpointFormatException>(() => PackedModel.Pack(Folder, Packed, WeightFormat.Q4));

        Assert.Equal(("model.embed_tokens.weight", loaded.Message), (packed.Tensor, packed.Message));
        Assert.Contains("1073741824 elements of 2 bytes, at most 2147483647 bytes", packed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadAndPack_WhenAProductHasMoreRowsThanARun_NameIt()
    {
        SaveSparse(FamilySettings.Create(ReferenceFamily.Mixtral) with { Vocabulary = (1 << 20) + 1 });

        var loaded = Assert.Throws<CheckpointFormatException>(() => MoEModel.Load(Folder));
        var packed = Assert.Throws<CheckpointFormatException>(() => PackedModel.Pack(Folder, Packed, WeightFormat.Float32));

        Assert.Equal(("lm_head.weight", loaded.Message), (packed.Tensor, packed.Message));
        Assert.Contains("outputs (1048577)", packed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tensors_WhenCancelled_AreNotRead()
    {
        SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Save(Folder);
        using Checkpoint checkpoint = Checkpoint.Open(Folder);
        using var source = new CancellationTokenSource();
        var loader = new WeightLoader(checkpoint, new ModelLoadOptions(), source.Token);
        ModelConfig config = checkpoint.Config;
        using ExpertBank bank = ExpertBank.Create(
            new ExpertBankOptions { NumExperts = config.Experts.Count, Hidden = config.HiddenSize, Width = config.Experts.Width });
        loader.Expert(bank, 0, config.Family.Expert(0, 0));

        source.Cancel();

        Assert.Throws<OperationCanceledException>(() => loader.Expert(bank, 1, config.Family.Expert(0, 1)));
        Assert.Throws<OperationCanceledException>(() => ExpertBanks.Routed(loader, 0));
        Assert.All(CheckpointLayout.Dense(config), tensor => Assert.Throws<OperationCanceledException>(() => loader.Check(tensor)));
    }

    // The managed rule, which names the tensor, and the native one, which refuses it, are the same.
    [Theory]
    [InlineData(WeightFormat.Float32)]
    [InlineData(WeightFormat.BFloat16)]
    [InlineData(WeightFormat.Q8)]
    [InlineData(WeightFormat.Q4)]
    public void Largest_OfAFormat_IsTheLastThatABankTakes(WeightFormat format)
    {
        using ExpertBank bank = ExpertBank.Create(
            new ExpertBankOptions { NumExperts = 1, Hidden = 32, Width = 32, Kind = ExpertKind.Linear, Format = format });
        var weights = new float[32 * 32];
        weights[7] = -FormatRange.Largest(format);
        bank.SetExpert(0, ExpertWeights.FromFloat32([], weights, []));

        weights[7] = MathF.BitDecrement(weights[7]);

        Assert.Throws<RoutingValidationException>(() => bank.SetExpert(0, ExpertWeights.FromFloat32([], weights, [])));
    }

    public void Dispose() => _directory.Dispose();

    // All tensors in bfloat16 and zero, as a file with a hole, which takes no space.
    private void SaveSparse(DecoderSettings settings)
    {
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path.Combine(Folder, "config.json"), FamilyConfig.Create(settings, ElementType.Bf16).ToJsonString());
        var header = new JsonObject();
        long end = 0;
        foreach ((string name, int[] shape) in TensorNames.All(settings))
        {
            long begin = end;
            end += shape.Aggregate(2L, (a, b) => a * b);
            header[name] = new JsonObject
            {
                ["dtype"] = "BF16",
                ["shape"] = new JsonArray([.. shape.Select(d => (JsonNode)d)]),
                ["data_offsets"] = new JsonArray(begin, end),
            };
        }

        byte[] text = Encoding.UTF8.GetBytes(header.ToJsonString());
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        using FileStream file = File.Create(Path.Combine(Folder, "model.safetensors"));
        file.Write(length);
        file.Write(text);
        file.SetLength(file.Position + end);
    }
}
