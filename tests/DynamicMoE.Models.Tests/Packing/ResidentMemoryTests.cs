using System.Text;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Files;

namespace DynamicMoE.Models.Tests.Packing;

/// <summary>What a start reads of a packed file: the pages of its mapping that this process has touched.</summary>
public sealed class ResidentMemoryTests
{
    private const int Width = 8192;

    // A touched page brings what the kernel maps at once, up to a huge page.
    private const long Page = 1 << 21;

    [Fact]
    public void Load_WhenPacked_ReadsNoExpertBeforeItIsUsed()
    {
        using var directory = new TemporaryDirectory();
        DecoderSettings settings = FamilySettings.Create(ReferenceFamily.Mixtral) with { Hidden = 64, HeadDim = 16, Layers = 1, Experts = 64, ExpertWidth = 1 };
        SyntheticCheckpoint.Create(settings).Save(directory["small"]);
        _ = PackedModel.Pack(directory["small"], directory["small.dmoe"], WeightFormat.Float32);
        string path = directory["large.dmoe"];
        long experts = Widen(directory["small.dmoe"], path, settings);

        using MoEModel model = MoEModel.Load(path);
        long loaded = OpenFiles.ResidentBytes(path);
        _ = model.CreateSession(4).Forward([7], new float[model.Config.VocabularySize]);
        long one = OpenFiles.ResidentBytes(path);

        long used = experts / settings.Experts * settings.TrainedExperts;
        Assert.InRange(loaded, 1, 4 * Page);
        Assert.InRange(one, used, loaded + used + (2 * settings.TrainedExperts * Page));
        Assert.InRange(one, 0, experts / 10);
    }

    // The same model with wide experts of zeros, which are a hole in the file and take no space.
    private static long Widen(string source, string target, DecoderSettings settings)
    {
        var small = new PackedBytes(File.ReadAllBytes(source));
        byte[] config = Encoding.UTF8.GetBytes(
            Encoding.UTF8.GetString(small.Content("config.json")).Replace("\"intermediate_size\":1,", $"\"intermediate_size\":{Width},", StringComparison.Ordinal));
        byte[] tensors = [.. small.Content("tensors")];
        using ExpertBank bank = ExpertBank.Create(new ExpertBankOptions { NumExperts = settings.Experts, Hidden = settings.Hidden, Width = Width });
        var sections = new List<PackedSection>();
        long end = PackedHeader.BytesFor(3);
        foreach ((string name, long length) in new[] { ("config.json", config.Length), ("tensors", tensors.LongLength), ("experts.0", bank.PackedBytes) })
        {
            long offset = PackedSection.Align(end);
            ReadOnlySpan<byte> content = name switch { "config.json" => config, "tensors" => tensors, _ => [] };
            sections.Add(new PackedSection(name, offset, length, System.IO.Hashing.XxHash128.HashToUInt128(content)));
            end = offset + length;
        }

        using FileStream file = File.Create(target);
        file.Write(new PackedHeader(ExpertBank.PackedLayoutVersion, WeightFormat.Float32, sections).Write());
        file.Position = sections[0].Offset;
        file.Write(config);
        file.Position = sections[1].Offset;
        file.Write(tensors);
        file.SetLength(end);
        return bank.PackedBytes;
    }
}
