using DynamicMoE.Models.Tests.Decoding;
using DynamicMoE.Models.Tests.Tokenizers;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Files;

namespace DynamicMoE.Models.Tests.Packing;

public sealed class PackedModelTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Folder => _directory["model"];

    private string Packed => _directory["model.dmoe"];

    [Theory, MemberData(nameof(TestModels.All), MemberType = typeof(TestModels))]
    public void Load_WhenPacked_GivesTheBitsOfTheFolder(ReferenceFamily family, WeightFormat format)
    {
        SyntheticCheckpoint.Create(family, family == ReferenceFamily.Qwen3Moe ? ElementType.F32 : ElementType.Bf16).Save(Folder, shards: 2);
        int[] tokens = TestModels.Tokens();
        using MoEModel folder = MoEModel.Load(Folder, new ModelLoadOptions { WeightFormat = format });
        PackedModelInfo info = PackedModel.Pack(Folder, Packed, format);

        using MoEModel packed = MoEModel.Load(Packed);
        using MoEModel verified = MoEModel.Load(Packed, new ModelLoadOptions { WeightFormat = format, VerifyChecksums = true, MaxTokens = 7 });

        Assert.Equal((format, format), (folder.WeightFormat, packed.WeightFormat));
        Assert.Equal(Bits(TestModels.Run(folder, tokens)), Bits(TestModels.Run(packed, tokens)));
        Assert.Equal(Bits(TestModels.Run(folder, tokens)), Bits(TestModels.Run(verified, tokens)));
        Assert.Equal((Packed, folder.Config.ModelType, format), (info.Path, info.ModelType, info.WeightFormat));
        Assert.Equal((new FileInfo(Packed).Length, ExpertBank.PackedLayoutVersion), (info.Bytes, info.LayoutVersion));
        Assert.Equal(folder.MoELayers.Sum(layer => layer.Experts.PackedBytes + (layer.SharedExperts?.PackedBytes ?? 0)), info.ExpertBytes);
        Assert.Equal(info, PackedModel.Verify(Packed));
    }

    [Fact]
    public void Pack_WhenRepeated_GivesTheSameBytes()
    {
        SyntheticCheckpoint.Create(ReferenceFamily.Qwen2Moe).Save(Folder);
        _ = PackedModel.Pack(Folder, Packed, WeightFormat.BFloat16);
        byte[] first = File.ReadAllBytes(Packed);

        _ = PackedModel.Pack(Folder, Packed, WeightFormat.BFloat16, overwrite: true);

        Assert.Equal(first, File.ReadAllBytes(Packed));
    }

    [Fact]
    public void Pack_OnThisMachine_MarksItsByteOrder()
    {
        SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Save(Folder);
        _ = PackedModel.Pack(Folder, Packed, WeightFormat.Q8);

        Assert.Equal(BitConverter.GetBytes(0x01020304), File.ReadAllBytes(Packed)[PackedBytes.Order..PackedBytes.Version]);
    }

    [Fact]
    public void PatchDynamicRouting_WhenPacked_WorksAsInTheFolder()
    {
        SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Save(Folder);
        _ = PackedModel.Pack(Folder, Packed, WeightFormat.Float32);
        using MoEModel folder = MoEModel.Load(Folder);
        using MoEModel packed = MoEModel.Load(Packed);

        folder.PatchDynamicRouting();
        packed.PatchDynamicRouting();

        Assert.Equal(Bits(TestModels.Run(folder, TestModels.Tokens())), Bits(TestModels.Run(packed, TestModels.Tokens())));
    }

    [Fact]
    public void MoEBlock_WhenLoadedFromAPackedFile_OutlivesIt()
    {
        SyntheticCheckpoint.Create(ReferenceFamily.Qwen2Moe).Save(Folder);
        _ = PackedModel.Pack(Folder, Packed, WeightFormat.Float32);
        var hidden = new float[32];
        Array.Fill(hidden, 0.5f);
        float[] expected = Run(Folder), actual = Run(Packed);

        Assert.Equal(Bits(expected), Bits(actual));

        float[] Run(string path)
        {
            MoEBlock block;
            using (Checkpoint checkpoint = Checkpoint.Open(path))
            {
                block = MoEBlock.Load(checkpoint, 0);
            }

            using (block)
            {
                var output = new float[32];
                _ = block.Forward(hidden, 1, output);
                return output;
            }
        }
    }

    [Theory]
    [InlineData("tokenizer.model")]
    [InlineData("tokenizer.json")]
    [InlineData(null)]
    public void Load_WhenPacked_HasTheTokenizerOfTheFolder(string? file)
    {
        SyntheticCheckpoint.Create(FamilySettings.Create(ReferenceFamily.Mixtral) with { Vocabulary = file is null ? 256 : 512 }).Save(Folder);
        switch (file)
        {
            case "tokenizer.model":
                File.WriteAllBytes(Path.Combine(Folder, file), SentencePieceFile.Create());
                File.WriteAllText(Path.Combine(Folder, "tokenizer_config.json"), """{"add_bos_token": false}""");
                break;
            case "tokenizer.json":
                File.WriteAllText(Path.Combine(Folder, file), BpeFile.Create().ToJsonString());
                break;
        }

        _ = PackedModel.Pack(Folder, Packed, WeightFormat.Float32);
        using MoEModel folder = MoEModel.Load(Folder);
        using MoEModel packed = MoEModel.Load(Packed);
        using MoEModel without = MoEModel.Load(Packed, new ModelLoadOptions { LoadTokenizer = false });

        Assert.Equal(folder.Tokenizer!.GetType(), packed.Tokenizer!.GetType());
        Assert.Equal(folder.Tokenizer.Encode("hello world"), packed.Tokenizer.Encode("hello world"));
        Assert.Null(without.Tokenizer);
    }

    [Fact]
    public void Load_WhenAnotherFormatIsAskedFor_NamesBoth()
    {
        SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Save(Folder);
        _ = PackedModel.Pack(Folder, Packed, WeightFormat.BFloat16);

        var e = Assert.Throws<RouterConfigurationException>(() => MoEModel.Load(Packed, new ModelLoadOptions { WeightFormat = WeightFormat.Float32 }));

        Assert.Contains("Float32", e.Message, StringComparison.Ordinal);
        Assert.Contains("BFloat16", e.Message, StringComparison.Ordinal);
        Assert.False(OpenFiles.Hold(Packed));
    }

    [Fact]
    public void Dispose_WhenModelWasPacked_LetsTheFileGo()
    {
        SyntheticCheckpoint.Create(ReferenceFamily.Qwen2Moe).Save(Folder);
        _ = PackedModel.Pack(Folder, Packed, WeightFormat.Float32);
        MoEModel model = MoEModel.Load(Packed);
        model.PatchDynamicRouting();
        float[] before = TestModels.Run(model, TestModels.Tokens());

        File.Delete(Packed);
        model.UnpatchDynamicRouting();
        model.PatchDynamicRouting();

        Assert.Equal(Bits(before), Bits(TestModels.Run(model, TestModels.Tokens())));
        Assert.True(OpenFiles.Map(Packed));
        model.Dispose();
        Assert.False(OpenFiles.Map(Packed));
    }

    public void Dispose() => _directory.Dispose();

    private static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);
}
