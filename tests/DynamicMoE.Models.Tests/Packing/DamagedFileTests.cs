using DynamicMoE.Models.Tests.Decoding;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Files;

namespace DynamicMoE.Models.Tests.Packing;

/// <summary>Packed files that are not what they should be. Runs alone, since it reads a counter of the whole process.</summary>
[CollectionDefinition(nameof(DamagedFileTests), DisableParallelization = true)]
[Collection(nameof(DamagedFileTests))]
public sealed class DamagedFileTests : IDisposable
{
    private static readonly byte[] Good = MakeGood();

    // Each with what its message must say. The header's checksum is made right again: what is wrong is found by itself.
    private static readonly Dictionary<string, (Action<PackedBytes> Damage, string Message)> Headers = new()
    {
        ["magic"] = (b => b.Bytes[0] = (byte)'d', "not a packed model"),
        ["byte order"] = (b => b.SetInt32(PackedBytes.Order, 0x04030201), "another byte order"),
        ["newer version"] = (b => b.SetInt32(PackedBytes.Version, 2), "version 2 of packed models, this library reads version 1"),
        ["version 0"] = (b => b.SetInt32(PackedBytes.Version, 0), "version 0"),
        ["header length"] = (b => b.SetInt32(PackedBytes.HeaderBytes, 1 << 30), "the header length is 1073741824"),
        ["negative header length"] = (b => b.SetInt32(PackedBytes.HeaderBytes, -1), "the header length is -1"),
        ["no sections"] = (b => b.SetInt32(PackedBytes.SectionCount, 0), "0 sections, between 1 and 65536"),
        ["too many sections"] = (b => b.SetInt32(PackedBytes.SectionCount, 65537), "65537 sections"),
        ["header beyond the file"] = (b =>
        {
            b.SetInt32(PackedBytes.SectionCount, 65536);
            b.SetInt32(PackedBytes.HeaderBytes, 64 + (96 * 65536));
        }, "truncated"),
        ["another layout"] = (b => b.SetInt32(PackedBytes.Layout, ExpertBank.PackedLayoutVersion + 1), "pack the checkpoint again"),
        ["unknown format"] = (b => b.SetInt32(PackedBytes.Format, 4), "weight format 4 is unknown, one of Float32, BFloat16, Q8, Q4"),
        ["negative format"] = (b => b.SetInt32(PackedBytes.Format, -1), "weight format -1"),
        ["reserved bytes"] = (b => b.SetInt64(PackedBytes.Reserved, 1L << 40), "bytes 56 to 63 are 0x0000010000000000, 0 is needed"),
        ["longer in the header"] = (b => b.SetInt64(PackedBytes.FileBytes, b.Bytes.Length + 1), "truncated: the file has"),
        ["shorter in the header"] = (b => b.SetInt64(PackedBytes.FileBytes, b.Bytes.Length - 1), "too long: the file has"),
        ["name empty"] = (b => b.SetName(1, ""u8), "the name of section 1"),
        ["name of 64 characters"] = (b => b.SetName(1, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"u8), "the name of section 1"),
        ["name not printable"] = (b => b.SetName(1, "a\nb"u8), "the name of section 1"),
        ["name not ASCII"] = (b => b.SetName(1, [0xC3, 0xA4]), "the name of section 1"),
        ["name with a tail"] = (b => b.SetName(1, "a\0b"u8), "the name of section 1"),
        ["name twice"] = (b => b.SetName(3, "experts.0"u8), "section 'experts.0' occurs twice"),
        ["offset not aligned"] = (b => b.SetOffset(2, b.Offset(2) + 64), "section 'experts.0' begins at byte"),
        ["offset of another section"] = (b => b.SetOffset(2, b.Offset(1)), "section 'experts.0' begins at byte"),
        ["offset in the header"] = (b => b.SetOffset(0, 0), "section 'config.json' begins at byte 0"),
        ["offset negative"] = (b => b.SetOffset(2, -4096), "begins at byte -4096"),
        ["offset at the end of numbers"] = (b => b.SetOffset(2, long.MaxValue), "begins at byte 9223372036854775807"),
        ["length zero"] = (b => b.SetLength(2, 0), "has 0 bytes"),
        ["length negative"] = (b => b.SetLength(2, -1), "has -1 bytes"),
        ["length beyond the file"] = (b => b.SetLength(2, long.MaxValue), "has 9223372036854775807 bytes"),
        ["last section too short"] = (b => b.SetLength(b.Sections - 1, 64), "the sections end at byte"),
        ["section missing"] = (b => b.SetName(b.Find("experts.0"), "experts.7"u8), "section 'experts.0' is missing"),
        ["config missing"] = (b => b.SetName(0, "x"u8), "section 'config.json' is missing"),
        ["tensors missing"] = (b => b.SetName(b.Find("tensors"), "x"u8), "section 'tensors' is missing"),
        ["another format"] = (b => b.SetInt32(PackedBytes.Format, (int)WeightFormat.BFloat16), "section 'experts.0' is not 8 experts of 32 x 20 in BFloat16"),
    };

    private readonly TemporaryDirectory _directory = new();

    private string Packed => _directory["model.dmoe"];

    public static TheoryData<string> HeaderNames => [.. Headers.Keys];

    [Theory, MemberData(nameof(HeaderNames))]
    public void Load_WhenTheHeaderIsWrong_SaysWhat(string name)
    {
        var bytes = new PackedBytes(Good);
        Headers[name].Damage(bytes);
        bytes.SealHeader();

        RequireRefused(bytes, Headers[name].Message);
    }

    [Fact]
    public void Load_WhenAnyByteOfTheHeaderIsFlipped_IsRefused()
    {
        var original = new PackedBytes(Good);
        int length = (int)original.Offset(0);
        for (int at = 0; at < 64 + (96 * original.Sections); at++)
        {
            var bytes = new PackedBytes(Good);
            bytes.Bytes[at] ^= 0x10;
            Assert.True(at < length);
            File.WriteAllBytes(Packed, bytes.Bytes);
            Assert.Equal(Packed, Assert.Throws<CheckpointFormatException>(() => MoEModel.Load(Packed)).File);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(200)]
    [InlineData(4096)]
    [InlineData(10_000)]
    [InlineData(-4096)]
    [InlineData(-1)]
    public void Load_WhenTruncated_SaysSo(int length)
    {
        var bytes = new PackedBytes(Good);
        bytes.Resize(length >= 0 ? length : Good.Length + length);

        RequireRefused(bytes, length is >= 0 and < 64 ? $"the file has {length} bytes, a packed model has at least 64" : "truncated");
    }

    [Fact]
    public void Load_WhenBytesFollow_SaysSo()
    {
        var bytes = new PackedBytes(Good);
        bytes.Resize(Good.Length + 1);

        RequireRefused(bytes, "too long");
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("tensors")]
    public void Load_WhenAPartThatItReadsIsDamaged_NamesIt(string section)
    {
        var bytes = new PackedBytes(Good);
        bytes.Content(section)[^1] ^= 1;

        RequireRefused(bytes, $"section '{section}' is damaged");
    }

    [Fact]
    public void Load_WhenConfigAndSectionsDisagree_NamesThem()
    {
        var bytes = new PackedBytes(Good);
        Span<byte> config = bytes.Content("config.json");
        int at = config.IndexOf("\"num_local_experts\":8"u8);
        config[at + 20] = (byte)'4';
        bytes.SealSection("config.json");

        // The gate is the first to differ.
        RequireRefused(bytes, "model.layers.0.block_sparse_moe.gate.weight");
    }

    [Fact]
    public void Load_WhenASectionIsNotExplained_NamesIt()
    {
        var bytes = new PackedBytes(Good);
        Span<byte> config = bytes.Content("config.json");
        int at = config.IndexOf("\"num_hidden_layers\":3"u8);
        config[at + 20] = (byte)'2';
        bytes.SealSection("config.json");

        RequireRefused(bytes, "config.json of a mixtral model does not explain it");
    }

    [Fact]
    public void Load_WhenExpertsAreDamaged_IsFoundOnRequest()
    {
        var bytes = new PackedBytes(Good);
        bytes.Content("experts.1")[1000] ^= 1;
        File.WriteAllBytes(Packed, bytes.Bytes);

        using (MoEModel model = MoEModel.Load(Packed))
        {
            _ = TestModels.Run(model, TestModels.Tokens());
        }

        var loaded = Assert.Throws<CheckpointFormatException>(() => MoEModel.Load(Packed, new ModelLoadOptions { VerifyChecksums = true }));
        var verified = Assert.Throws<CheckpointFormatException>(() => PackedModel.Verify(Packed));
        Assert.All([loaded, verified], e => Assert.Contains("section 'experts.1' is damaged", e.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Verify_WhenBytesBetweenSectionsAreNotZero_NamesTheFirst(int section)
    {
        var bytes = new PackedBytes(Good);
        long last = bytes.Offset(section) - 1;
        bytes.Bytes[last - 1] = bytes.Bytes[last] = 7;
        File.WriteAllBytes(Packed, bytes.Bytes);

        MoEModel.Load(Packed).Dispose();

        var verified = Assert.Throws<CheckpointFormatException>(() => PackedModel.Verify(Packed));
        Assert.Contains($"byte {last - 1}, between two sections, is 7, 0 is needed", verified.Message, StringComparison.Ordinal);
        Assert.Throws<CheckpointFormatException>(() => MoEModel.Load(Packed, new ModelLoadOptions { VerifyChecksums = true }));
    }

    // It is damaged too: who reads before looking at the size finds that first.
    [Fact]
    public void Load_WhenConfigIsTooLarge_SaysSoWithoutReadingIt()
    {
        using (var writer = new PackedWriter(Packed, 1, overwrite: false))
        {
            writer.Add("config.json", stream => stream.Write(new byte[(1 << 20) + 1]));
            writer.Finish(WeightFormat.Float32);
        }

        var bytes = new PackedBytes(File.ReadAllBytes(Packed));
        bytes.Content("config.json")[^1] = 1;
        File.WriteAllBytes(Packed, bytes.Bytes);

        var e = Assert.Throws<ModelConfigurationException>(() => MoEModel.Load(Packed));

        Assert.Contains("the file has 1048577 bytes, at most 1048576 are allowed", e.Message, StringComparison.Ordinal);
        Assert.False(OpenFiles.Hold(Packed));
    }

    [Theory]
    [InlineData(0xFF)]
    [InlineData(0x80)]
    [InlineData(-1)]
    public void Forward_WhenUncheckedExpertsAreGarbage_IsADispatchExceptionAtWorst(int value)
    {
        foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
        {
            var bytes = new PackedBytes(MakeGood(format));
            Span<byte> experts = bytes.Content("experts.1");
            new Random(5).NextBytes(experts);
            if (value >= 0)
            {
                experts.Fill((byte)value);
            }

            File.WriteAllBytes(Packed, bytes.Bytes);
            using MoEModel model = MoEModel.Load(Packed);

            Exception? e = Record.Exception(() => TestModels.Run(model, TestModels.Tokens()));

            Assert.True(e is null or ExpertDispatchException, $"{format}: {e}");
        }
    }

    // Whatever a header with a right checksum says: a model or the library's own exception, and nothing else.
    [Fact]
    public void Load_WhenHeadersAreRandom_NeverFailsInAnotherWay()
    {
        var random = new Random(7);
        for (int i = 0; i < 400; i++)
        {
            var bytes = new PackedBytes(Good);
            int header = 64 + (96 * bytes.Sections);
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                bytes.Bytes[random.Next(12, header)] = (byte)random.Next(256);
            }

            bytes.SealHeader();
            File.WriteAllBytes(Packed, bytes.Bytes);
            Exception? e = Record.Exception(() => MoEModel.Load(Packed).Dispose());
            Assert.True(e is null or CheckpointFormatException or ModelConfigurationException, $"{i}: {e}");
        }
    }

    [Fact]
    public void Load_WhenItIsAnotherFile_SaysSo()
    {
        SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Save(_directory["model"]);

        var e = Assert.Throws<CheckpointFormatException>(() => MoEModel.Load(_directory["model/model.safetensors"]));

        Assert.Contains("not a packed model", e.Message, StringComparison.Ordinal);
        Assert.Throws<ModelConfigurationException>(() => MoEModel.Load(_directory["none"]));
        Assert.Throws<CheckpointFormatException>(() => PackedModel.Verify(_directory["model"]));
        Assert.Throws<ModelConfigurationException>(() => PackedModel.Verify(_directory["none"]));
    }

    public void Dispose() => _directory.Dispose();

    private static byte[] MakeGood(WeightFormat format = WeightFormat.Float32)
    {
        using var directory = new TemporaryDirectory();
        SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Save(directory["model"]);
        _ = PackedModel.Pack(directory["model"], directory["packed"], format);
        return File.ReadAllBytes(directory["packed"]);
    }

    private void RequireRefused(PackedBytes bytes, string message)
    {
        File.WriteAllBytes(Packed, bytes.Bytes);
        long before = RuntimeInfo.Query().AllocatedBytes;

        var loaded = Assert.Throws<CheckpointFormatException>(() => MoEModel.Load(Packed));
        var verified = Assert.Throws<CheckpointFormatException>(() => PackedModel.Verify(Packed));

        Assert.Contains(message, loaded.Message, StringComparison.Ordinal);
        Assert.All([loaded, verified], e => Assert.StartsWith(Packed, e.File, StringComparison.Ordinal));
        Assert.Equal(before, RuntimeInfo.Query().AllocatedBytes);
        Assert.False(OpenFiles.Hold(Packed));
    }
}
