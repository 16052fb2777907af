using DynamicMoE.Hosting.Generation;
using DynamicMoE.Models;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Hosting.Tests.Serving.Generation;

[Collection(Registration.NativeMemory.Name)]
public sealed class SequenceMemoryTests : IDisposable
{
    private const int MiB = 1 << 20;

    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 64)]
    [InlineData(64, 64)]
    [InlineData(65, 128)]
    [InlineData(1000, 1024)]
    [InlineData(1025, 1280)]
    public void Session_WhenASequenceNeedsPositions_HasAnEighthOfAnOctaveMoreAtMost(int needed, int positions)
    {
        using MoEModel model = Model();
        var memory = new SequenceMemory(64 * MiB);

        Assert.Equal(positions, memory.SessionPositions(model.Config, needed));
    }

    [Fact]
    public void Session_WhenMemoryIsLess_HasWhatIsNeeded()
    {
        using MoEModel model = Model();
        long position = SequenceMemory.PerPosition(model.Config);
        var memory = new SequenceMemory(1100 * position);

        Assert.Equal(1100, SequenceMemory.MostPositions(model.Config, memory.Capacity));
        Assert.Equal(1100, memory.SessionPositions(model.Config, 1050));
        Assert.Equal(1, SequenceMemory.MostPositions(model.Config, position / 2));
    }

    [Fact]
    public void Bytes_WhenTheyDoNotFit_AreNotReserved()
    {
        var memory = new SequenceMemory(100);

        Assert.True(memory.TryReserve(60));
        Assert.False(memory.TryReserve(41));
        Assert.Equal(60, memory.Reserved);
        memory.Free(60);
        Assert.True(memory.TryReserve(100));
    }

    [Fact]
    public void Pool_WhenMemoryIsWanted_LetsGoOfSessionsThatNobodyUses()
    {
        using MoEModel model = Model();
        long position = SequenceMemory.PerPosition(model.Config);
        var memory = new SequenceMemory(256 * position);
        var pool = new SessionPool();
        Assert.True(memory.TryReserve(128 * position));
        MoESession first = pool.Rent(model, 64, memory), second = pool.Rent(model, 64, memory);
        pool.Return(first);
        pool.Return(second);
        memory.Free(128 * position);

        // One of the two is used again; beside 192 reserved positions there is room for the other.
        Assert.True(memory.TryReserve(64 * position));
        Assert.Same(second, pool.Rent(model, 64, memory));
        Assert.True(memory.TryReserve(128 * position));
        pool.Return(pool.Rent(model, 128, memory));
        Assert.Same(first, pool.Rent(model, 64, memory));
        pool.Return(first);

        // Beside 256 there is none.
        Assert.True(memory.TryReserve(64 * position));
        _ = pool.Rent(model, 192, memory);
        Assert.NotSame(first, pool.Rent(model, 64, memory));
    }

    private MoEModel Model()
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.Mixtral);
        checkpoint.Config["max_position_embeddings"] = 32768;
        checkpoint.Save(_folder.Path);
        return MoEModel.Load(_folder.Path);
    }
}
