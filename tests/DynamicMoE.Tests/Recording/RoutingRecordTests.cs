using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Recording;

public sealed class RoutingRecordTests
{
    [Fact]
    public void Read_WhenARecordWasWritten_GivesItBack()
    {
        var written = new List<RoutingBuffers>();
        byte[] bytes = Records.Make(change: (_, _, routes) => written.Add(routes));

        using RoutingRecordReader reader = Records.Open(bytes);
        Assert.Equal(Records.Header with { Layers = reader.Header.Layers }, reader.Header);
        Assert.Equal(Records.Header.Layers, reader.Header.Layers);
        int at = 0;
        foreach ((int tokens, int position) in new[] { (5, 0), (1, 5), (7, 0) })
        {
            Assert.True(reader.ReadPass());
            Assert.Equal(position, reader.Position);
            Assert.Equal(Enumerable.Range(at / 2 * 1000, tokens), reader.TokenIds.ToArray());
            for (int layer = 0; layer < 2; layer++)
            {
                RoutingBuffers expected = written[at++];
                for (int token = 0; token < tokens; token++)
                {
                    Assert.Equal(expected.IndicesOf(token), reader.ExpertsOf(layer, token));
                    Assert.Equal(RoutingOracle.Bits(expected.WeightsOf(token)), RoutingOracle.Bits(reader.WeightsOf(layer, token)));
                }
            }
        }

        Assert.False(reader.ReadPass());
        Assert.False(reader.ReadPass());
        Assert.Equal(0, reader.TokenIds.Length);
    }

    [Fact]
    public void CopyTo_WhenBuffersHaveMoreSlots_FillsThemAsRoutingDoes()
    {
        using RoutingRecordReader reader = Records.Open(Records.Make());
        Assert.True(reader.ReadPass());
        var buffers = new RoutingBuffers(9, 5, 300, withLogits: false);

        reader.CopyTo(1, buffers);

        for (int token = 0; token < 5; token++)
        {
            Assert.Equal(reader.ExpertsOf(1, token), buffers.IndicesOf(token));
            RoutingOracle.AssertUnusedSlots(buffers, token);
        }

        Assert.Equal(buffers.ExpertsPerToken.Take(5).Sum(), (int)buffers.ExpertRoutes.Sum());
        Assert.Throws<RoutingValidationException>(() => reader.CopyTo(0, buffers));
        Assert.Throws<RoutingValidationException>(() => reader.CopyTo(1, new RoutingBuffers(4, 5, 300, false)));
        Assert.Throws<ArgumentOutOfRangeException>(() => reader.CopyTo(2, buffers));
    }

    [Fact]
    public void BeginPass_WhenTheLastOneWasNotFinished_ForgetsIt()
    {
        using var stream = new MemoryStream();
        using var writer = new RoutingRecordWriter(stream, Records.Header);
        var random = new SeededRandom(1);
        writer.BeginPass([1, 2], 0);
        writer.Add(0, Records.Routes(random, 2, 8));

        writer.BeginPass([7], 0);
        writer.Add(0, Records.Routes(random, 1, 8));
        writer.Add(1, Records.Routes(random, 1, 300));
        writer.Complete();

        using RoutingRecordReader reader = Records.Open(stream.ToArray());
        Assert.True(reader.ReadPass());
        Assert.Equal([7], reader.TokenIds.ToArray());
        Assert.False(reader.ReadPass());
    }

    [Fact]
    public void Add_WhenDecisionsDoNotFit_RefusesThem()
    {
        using var stream = new MemoryStream();
        using var writer = new RoutingRecordWriter(stream, Records.Header);
        var random = new SeededRandom(1);
        RoutingBuffers routes = Records.Routes(random, 2, 8);

        Assert.Contains("0 tokens", Assert.Throws<RoutingValidationException>(() => writer.Add(0, routes)).Message, StringComparison.Ordinal);
        writer.BeginPass([1, 2], 0);
        Assert.Contains("layer 0 of 2 is the next", Assert.Throws<RoutingValidationException>(() => writer.Add(1, routes)).Message, StringComparison.Ordinal);
        writer.BeginPass([1, 2], 0);
        routes.ExpertsPerToken[1] = 1;
        routes.ExpertIndices[3] = 8;
        Assert.Contains("expert 8", Assert.Throws<RoutingValidationException>(() => writer.Add(0, routes)).Message, StringComparison.Ordinal);
        Assert.Throws<RoutingValidationException>(() => writer.BeginPass([], 0));
        Assert.Throws<RoutingValidationException>(() => writer.BeginPass([1], -1));
    }

    [Fact]
    public void Create_WhenItIsNotCompleted_LeavesNothing()
    {
        using var directory = new TemporaryDirectory();
        using (RoutingRecordWriter writer = RoutingRecordWriter.Create(directory["run.rec"], Records.Header))
        {
            writer.BeginPass([1], 0);
            Assert.False(File.Exists(directory["run.rec"]));
        }

        Assert.Empty(Directory.GetFileSystemEntries(directory.Path));
    }

    [Fact]
    public void Create_WhenTheFileExists_ReplacesItOnRequestOnly()
    {
        using var directory = new TemporaryDirectory();
        File.WriteAllText(directory["run.rec"], "mine");

        Assert.Throws<IOException>(() => RoutingRecordWriter.Create(directory["run.rec"], Records.Header));
        Assert.Throws<DirectoryNotFoundException>(() => RoutingRecordWriter.Create(directory["none/run.rec"], Records.Header));
        using (RoutingRecordWriter writer = RoutingRecordWriter.Create(directory["run.rec"], Records.Header, overwrite: true))
        {
            Assert.Equal("mine", File.ReadAllText(directory["run.rec"]));
            writer.Complete();
            writer.Complete();
            Assert.Throws<InvalidOperationException>(() => writer.BeginPass([1], 0));
        }

        using RoutingRecordReader reader = RoutingRecordReader.Open(directory["run.rec"]);
        Assert.False(reader.ReadPass());
    }

    [Fact]
    public void Constructor_WhenTheHeaderIsWrong_NamesEveryValue()
    {
        RoutingRecordHeader header = Records.Header with
        {
            Isa = InstructionSet.Auto,
            Format = (WeightFormat)9,
            CpuVendor = "a b",
            Layers = [new RecordedLayer(0, 0)],
        };

        var e = Assert.Throws<RouterConfigurationException>(() => new RoutingRecordWriter(Stream.Null, header));

        Assert.All(["Isa (Auto)", "Format (9)", "CpuVendor (a b)", "1..4096 experts"], part => Assert.Contains(part, e.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void DifferencesTo_WhenEverythingDiffers_NamesBothValues()
    {
        RoutingRecordHeader other = Records.Header with
        {
            Model = new ModelHash(1),
            Format = WeightFormat.Q8,
            Isa = InstructionSet.Avx512,
            CpuVendor = "AuthenticAMD",
        };

        Assert.Empty(Records.Header.DifferencesTo(Records.Header with { }));
        Assert.Equal(
            [
                $"model hash {Records.Header.Model}, not {new string('0', 31)}1", "weight format Q4, not Q8",
                "instruction-set level Avx2, not Avx512", "processor vendor GenuineIntel, not AuthenticAMD",
            ],
            Records.Header.DifferencesTo(other));
    }
}
