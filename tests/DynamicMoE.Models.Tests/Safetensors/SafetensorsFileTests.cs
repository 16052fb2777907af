using System.Runtime.InteropServices;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Files;

namespace DynamicMoE.Models.Tests.Safetensors;

public sealed class SafetensorsFileTests
{
    private static readonly float[] Values = [1.5f, -2f, 0.25f, 3e10f, 0f, -0.0078125f];

    public static TheoryData<string> Broken => [.. BrokenSafetensors.Names];

    [Theory]
    [InlineData(ElementType.F32)]
    [InlineData(ElementType.F16)]
    [InlineData(ElementType.Bf16)]
    public void ReadFloat32_WhenTypeIsFloating_WidensEveryElement(ElementType type)
    {
        float[] values = type == ElementType.F16 ? [1.5f, -2f, 0.25f, 65504f, 0f, 6e-8f] : Values;
        using SafetensorsFile file = Open(new RawSafetensors().Add(
            "t", type.SafetensorsName(), [2, 3], type.Encode(Array.ConvertAll(values, v => (double)v))));
        var read = new float[6];

        file.ReadFloat32(file.Tensors["t"], read);

        Assert.Equal(Array.ConvertAll(values, v => type.Round(v)), read);
    }

    [Fact]
    public void Read_WhenFileIsInMemory_ReadsItThereAndChecksItsLength()
    {
        byte[] bytes = new RawSafetensors().Add("t", "F32", [6], MemoryMarshal.AsBytes<float>(Values).ToArray()).ToBytes();
        using SafetensorsFile file = SafetensorsFile.Read(bytes.AsMemory(), "memory");
        var read = new float[6];

        file.ReadFloat32(file.Tensors["t"], read);

        Assert.Equal(Values, read);
        Assert.Throws<CheckpointFormatException>(() => SafetensorsFile.Read(bytes.AsMemory(0, bytes.Length - 1), "memory"));
    }

    [Fact]
    public void Open_WhenFileHasMetadataScalarsAndEmptyTensors_ListsThem()
    {
        using SafetensorsFile file = Open(new RawSafetensors()
            .Add("scalar", "F32", [], BitConverter.GetBytes(7f))
            .Add("empty", "BF16", [0, 5], [])
            .Add("ids", "I64", [1], BitConverter.GetBytes(3L)));

        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal(1, file.Tensors["scalar"].ElementCount);
        Assert.Empty(file.Tensors["scalar"].Shape);
        Assert.Equal(0, file.Tensors["empty"].ElementCount);
        Assert.Equal(TensorType.I64, file.Tensors["ids"].Type);
        var value = new float[1];
        file.ReadFloat32(file.Tensors["scalar"], value);
        Assert.Equal(7f, value[0]);
    }

    [Theory, MemberData(nameof(Broken))]
    public void Read_WhenStreamIsBroken_NamesFileAndProblem(string name)
    {
        using var stream = new MemoryStream(BrokenSafetensors.Create(name));

        var e = Assert.Throws<CheckpointFormatException>(() => SafetensorsFile.Read(stream, "weights"));

        Assert.Equal("weights", e.File);
        Assert.StartsWith("weights: ", e.Message, StringComparison.Ordinal);
        Assert.True(stream.CanRead);
    }

    [Theory, MemberData(nameof(Broken))]
    public void Open_WhenFileIsBroken_ThrowsAndLeavesNothingOpen(string name)
    {
        using var directory = new TemporaryDirectory();
        string path = directory["model.safetensors"];
        File.WriteAllBytes(path, BrokenSafetensors.Create(name));

        Assert.Throws<CheckpointFormatException>(() => SafetensorsFile.Open(path));

        Assert.False(OpenFiles.Hold(path));
    }

    [Theory]
    [InlineData("shape_does_not_fit_bytes", "a", "[2, 3]")]
    [InlineData("dtype_unknown", "a", "'F33'")]
    [InlineData("offsets_overlap", "b", "[8, 24]")]
    [InlineData("offsets_leave_a_hole", "b", "[24, 40]")]
    [InlineData("shape_overflows", "a", "[4294967296, 4294967296, 2]")]
    [InlineData("name_twice", "a", "twice")]
    [InlineData("shape_of_rank_17", "a", "shape has more than 16 numbers")]
    [InlineData("offsets_three_numbers", "a", "data_offsets has more than 2 numbers")]
    [InlineData("header_length_maximum", null, "18446744073709551615")]
    public void Read_WhenValueIsWrong_NamesTensorAndValue(string name, string? tensor, string value)
    {
        var e = Assert.Throws<CheckpointFormatException>(() => Read(BrokenSafetensors.Create(name)));

        Assert.Equal(tensor, e.Tensor);
        Assert.Contains(value, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"extra":1}}""", "'extra'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"shape":[1]}}""", "shape occurs twice")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},}""", "JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} x""", "JSON")]
    [InlineData("""{/**/"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "JSON")]
    [InlineData("""{"__metadata__":{"k":1},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "__metadata__")]
    [InlineData("""{"__metadata__":[],"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "__metadata__")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}}""", "shape[0]")]
    public void Read_WhenHeaderIsNotStrict_IsRefused(string header, string problem)
    {
        var e = Assert.Throws<CheckpointFormatException>(() => Read(RawSafetensors.Compose((ulong)header.Length, header, new byte[4])));

        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
    }

    // 20 million zeros: a list of them would take 160 MB, and its text as much again.
    [Fact]
    public void Read_WhenRankIsHuge_IsRefusedBeforeItTakesMemory()
    {
        string header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[" + string.Join(',', Enumerable.Repeat('0', 20_000_000)) + "],\"data_offsets\":[0,0]}}";
        byte[] bytes = RawSafetensors.Compose((ulong)header.Length, header, []);
        using var stream = new MemoryStream(bytes);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<CheckpointFormatException>(() => SafetensorsFile.Read(stream, "weights"));

        // The held stream (a growing copy and its array) and the header: no more than 6 times the file.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 6L * bytes.Length);
    }

    [Fact]
    public void Read_WhenRankIsTheLargest_IsAccepted()
    {
        using SafetensorsFile file = Open(new RawSafetensors().Add("t", "F32", [.. Enumerable.Repeat(1, 16)], new byte[4]));

        Assert.Equal(16, file.Tensors["t"].Shape.Count);
    }

    [Fact]
    public void Shape_WhenRankIsLarge_IsCut() =>
        Assert.Equal("[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...]", Printable.Shape(new long[50]));

    [Fact]
    public void Read_WhenFileIsCutAtAnyLength_IsRefused()
    {
        byte[] whole = Sample().ToBytes();
        for (int length = 0; length < whole.Length; length++)
        {
            Assert.Throws<CheckpointFormatException>(() => Read(whole[..length]));
        }
    }

    // Any byte may be anything: the file opens, or the exception is ours. Nothing else may come out.
    [Fact]
    public void Read_WhenBytesAreChanged_OpensOrIsRefused()
    {
        byte[] whole = Sample().ToBytes();
        var random = new Random(20261123);
        int opened = 0;
        for (int round = 0; round < 4000; round++)
        {
            byte[] bytes = (byte[])whole.Clone();
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                Read(bytes);
                opened++;
            }
            catch (CheckpointFormatException)
            {
            }
        }

        Assert.InRange(opened, 1, 3999);
    }

    [Fact]
    public void ReadFloat32_WhenTypeIsInteger_NamesTensorAndType()
    {
        using SafetensorsFile file = Open(new RawSafetensors().Add("ids", "I64", [1], new byte[8]));

        var e = Assert.Throws<CheckpointFormatException>(() => file.ReadFloat32(file.Tensors["ids"], new float[1]));

        Assert.Equal("ids", e.Tensor);
        Assert.Contains("I64", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadBytes_WhenTypeIsInteger_GivesItsBytes()
    {
        using SafetensorsFile file = Open(new RawSafetensors().Add("ids", "I16", [2], [1, 2, 3, 4]));
        var bytes = new byte[4];

        file.ReadBytes(file.Tensors["ids"], bytes);

        Assert.Equal([1, 2, 3, 4], bytes);
        Assert.Throws<ArgumentException>(() => file.ReadBytes(file.Tensors["ids"], new byte[5]));
    }

    [Fact]
    public void ReadFloat32_WhenSpanOrTensorIsForeign_IsRefused()
    {
        using SafetensorsFile file = Open(Sample()), other = Open(Sample());

        Assert.Throws<ArgumentException>(() => file.ReadFloat32(file.Tensors["a"], new float[5]));
        Assert.Throws<ArgumentException>(() => file.ReadFloat32(other.Tensors["a"], new float[6]));
        Assert.Throws<ArgumentNullException>(() => file.ReadFloat32(null!, new float[6]));
    }

    [Fact]
    public void Read_WhenSpanExceedsASpanOfBytes_IsRefused()
    {
        // Nobody writes past the length check: the spans need no memory behind them.
        float single = 7;
        ushort bits = 7;
        using SafetensorsFile file = Open(Sample());

        Assert.Throws<ArgumentException>("destination", () => file.ReadFloat32(file.Tensors["a"], MemoryMarshal.CreateSpan(ref single, int.MaxValue)));
        Assert.Throws<ArgumentException>("destination", () => file.ReadFloat32(file.Tensors["b"], MemoryMarshal.CreateSpan(ref single, int.MaxValue)));
        Assert.Throws<ArgumentException>("destination", () => file.ReadBits16(file.Tensors["b"], MemoryMarshal.CreateSpan(ref bits, int.MaxValue)));
        Assert.Equal((7f, (ushort)7), (single, bits));
    }

    [Fact]
    public void Dispose_WhenCalledTwice_ClosesOnceAndRefusesReads()
    {
        using var directory = new TemporaryDirectory();
        string path = directory["model.safetensors"];
        Sample().Save(path);
        SafetensorsFile file = SafetensorsFile.Open(path);
        Assert.True(OpenFiles.Hold(path));

        file.Dispose();
        file.Dispose();

        Assert.False(OpenFiles.Hold(path));
        Assert.Throws<ObjectDisposedException>(() => file.ReadFloat32(file.Tensors["a"], new float[6]));
    }

    [Fact]
    public void Open_WhenPathIsMissingOrDirectory_NamesIt()
    {
        using var directory = new TemporaryDirectory();

        var missing = Assert.Throws<CheckpointFormatException>(() => SafetensorsFile.Open(directory["none.safetensors"]));
        Assert.Throws<CheckpointFormatException>(() => SafetensorsFile.Open(directory.Path));
        Assert.Throws<ArgumentException>(() => SafetensorsFile.Open(""));

        Assert.Contains("none.safetensors", missing.Message, StringComparison.Ordinal);
    }

    private static RawSafetensors Sample() => new RawSafetensors()
        .Add("a", "F32", [2, 3], ElementType.F32.Encode(Array.ConvertAll(Values, v => (double)v)))
        .Add("b", "BF16", [2], [0x80, 0x3F, 0, 0]);

    private static SafetensorsFile Open(RawSafetensors raw) => SafetensorsFile.Read(new MemoryStream(raw.ToBytes()), "memory");

    private static void Read(byte[] bytes) => SafetensorsFile.Read(new MemoryStream(bytes), "weights").Dispose();
}
