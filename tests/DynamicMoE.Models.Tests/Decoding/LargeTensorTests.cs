using System.Buffers.Binary;
using System.Text;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Decoding;

/// <summary>Tensors beyond 2^31 - 1 bytes, in files whose data is a hole and takes no space.</summary>
public sealed class LargeTensorTests
{
    private const string Limit = "2147483647";

    [Theory]
    [InlineData("F32", 536_870_912L)]
    [InlineData("BF16", 1_073_741_824L)]
    public void Read_WhenTensorIsBeyondTheLimit_NamesIt(string dtype, long elements)
    {
        using var directory = new TemporaryDirectory();
        Save(directory, dtype, [elements]);
        using SafetensorsFile file = SafetensorsFile.Open(directory["model.safetensors"]);

        var e = Assert.Throws<CheckpointFormatException>(() => file.ReadFloat32(file.Tensors["t"], []));

        Assert.Equal("t", e.Tensor);
        Assert.Contains(Limit, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("F32")]
    [InlineData("BF16")]
    public void Load_WhenTensorIsBeyondTheLimit_NamesIt(string dtype)
    {
        using var directory = new TemporaryDirectory();
        int rows = dtype == "F32" ? 1 << 19 : 1 << 20;
        Save(directory, dtype, [rows, 1024]);
        using Checkpoint checkpoint = Checkpoint.Open(directory.Path);
        var loader = new WeightLoader(checkpoint, new ModelLoadOptions());

        var matrix = Assert.Throws<CheckpointFormatException>(() => loader.Matrix("t", rows, 1024));
        var embedding = Assert.Throws<CheckpointFormatException>(() => loader.Embedding("t", rows, 1024));

        Assert.All([matrix, embedding], e => Assert.Contains(Limit, e.Message, StringComparison.Ordinal));
    }

    // As it is stored it would fit; widened it does not.
    [Fact]
    public void Floats_WhenWidenedTensorIsBeyondTheLimit_NamesIt()
    {
        using var directory = new TemporaryDirectory();
        Save(directory, "BF16", [1 << 19, 1024]);
        using Checkpoint checkpoint = Checkpoint.Open(directory.Path);
        var loader = new WeightLoader(checkpoint, new ModelLoadOptions());

        var e = Assert.Throws<CheckpointFormatException>(() => loader.Floats("t", 1 << 19, 1024));

        Assert.Contains(Limit, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_WhenMemoryIsUsedUp_IsTheLibrarysOwnException()
    {
        using var directory = new TemporaryDirectory();
        SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Save(directory.Path);
        using FileStream config = File.OpenRead(directory["config.json"]);
        using var weights = new ExhaustedStream();

        var e = Assert.Throws<DynamicMoEMemoryException>(() => MoEModel.Load(config, weights, name: "big"));

        Assert.StartsWith("big: ", e.Message, StringComparison.Ordinal);
        Assert.IsType<InsufficientMemoryException>(e.InnerException);
    }

    private static void Save(TemporaryDirectory directory, string dtype, long[] shape)
    {
        File.WriteAllText(directory["config.json"], SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Config.ToJsonString());
        long bytes = shape.Aggregate(dtype == "F32" ? 4L : 2L, (a, b) => a * b);
        byte[] header = Encoding.UTF8.GetBytes(
            $"{{\"t\":{{\"dtype\":\"{dtype}\",\"shape\":[{string.Join(',', shape)}],\"data_offsets\":[0,{bytes}]}}}}");
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        using FileStream file = File.Create(directory["model.safetensors"]);
        file.Write(length);
        file.Write(header);
        file.SetLength(8 + header.Length + bytes);
    }

    private sealed class ExhaustedStream : MemoryStream
    {
        public override void CopyTo(Stream destination, int bufferSize) => throw new InsufficientMemoryException();
    }
}
