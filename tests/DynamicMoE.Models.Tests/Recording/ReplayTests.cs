using DynamicMoE.Models.Tests.Decoding;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.TestKit.Memory;

namespace DynamicMoE.Models.Tests.Recording;

/// <summary>A recorded run, run again by its record.</summary>
public sealed class ReplayTests
{
    public static TheoryData<ReferenceFamily, WeightFormat> Models
    {
        get
        {
            var data = new TheoryData<ReferenceFamily, WeightFormat>();
            foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
            {
                data.Add(ReferenceFamily.Mixtral, format);
                data.Add(ReferenceFamily.Qwen2Moe, format);
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(Models))]
    public void ReplayFrom_WhenTheModelRoutesOtherwiseNow_GivesTheBitsOfTheRecordedRun(ReferenceFamily family, WeightFormat format)
    {
        using MoEModel model = TestModels.Load(family, new ModelLoadOptions { WeightFormat = format, MaxTokens = 16 });
        model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.5 });
        byte[] record = Record(model, out float[] recorded, out ForwardReport report);

        // Static routing gives other experts; the record overrules it.
        model.UnpatchDynamicRouting();
        float[] own = Run(model.CreateSession(60), out _);
        MoESession session = model.CreateSession(60);
        using RoutingRecordReader reader = Open(record);
        session.ReplayFrom(reader);
        float[] replayed = Run(session, out ForwardReport again);

        Assert.False(Bits(own).SequenceEqual(Bits(recorded)));
        Assert.True(Bits(replayed).SequenceEqual(Bits(recorded)));
        Assert.Equal(report with { MoETime = default }, again with { MoETime = default });
        Assert.False(reader.ReadPass());
    }

    [Fact]
    public void ReplayFrom_WhenThreadsDiffer_GivesTheSameBitsAndTheSameRecord()
    {
        using var directory = new TemporaryDirectory();
        SyntheticCheckpoint.Create(ReferenceFamily.Olmoe).Save(directory.Path);
        using MoEModel one = MoEModel.Load(directory.Path, new ModelLoadOptions { Threads = 1 });
        using MoEModel many = MoEModel.Load(directory.Path, new ModelLoadOptions { Threads = 3 });
        byte[] record = Record(one, out float[] recorded, out _);

        MoESession session = many.CreateSession(60);
        using RoutingRecordReader reader = Open(record);
        using var copy = new MemoryStream();
        using var writer = new RoutingRecordWriter(copy, many.DescribeRun());
        session.ReplayFrom(reader);
        session.RecordTo(writer);
        float[] replayed = Run(session, out _);
        writer.Complete();

        Assert.True(Bits(replayed).SequenceEqual(Bits(recorded)));
        Assert.Equal(record, copy.ToArray());
    }

    [Fact]
    public void ReplayFrom_WhenItHasEnded_TheRoutersDecideAgain()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        byte[] record = Record(model, out _, out _);
        MoESession session = model.CreateSession(60);
        using RoutingRecordReader reader = Open(record);
        session.ReplayFrom(reader);
        float[] first = Run(session, out _);

        session.ReplayFrom(null);

        Assert.True(Bits(Run(session, out _)).SequenceEqual(Bits(first)));
    }

    [Fact]
    public void Forward_WhenAnotherInputIsReplayed_NamesTheToken()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        byte[] record = Record(model, out _, out _);
        var logits = new float[model.Config.VocabularySize];

        int[] other = [.. TestModels.Tokens(40)];
        other[17] ^= 1;
        Assert.Contains(
            $"token {other[17] ^ 1} at position 17 where token {other[17]} is run", Refused(other), StringComparison.Ordinal);
        Assert.Contains("40 tokens at position 0 where 8 tokens at position 0 are run", Refused(TestModels.Tokens(8)), StringComparison.Ordinal);

        string Refused(int[] tokens)
        {
            MoESession session = model.CreateSession(60);
            using RoutingRecordReader reader = Open(record);
            session.ReplayFrom(reader);
            string message = Assert.Throws<RoutingValidationException>(() => session.ForwardLast(tokens, logits)).Message;
            Assert.Equal(0, session.Position);
            return message;
        }
    }

    [Fact]
    public void Forward_WhenTheRecordHasEnded_SaysSo()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        byte[] record = Record(model, out _, out _);
        MoESession session = model.CreateSession(60);
        using RoutingRecordReader reader = Open(record);
        session.ReplayFrom(reader);
        _ = Run(session, out _);

        var e = Assert.Throws<RoutingValidationException>(() => session.ForwardLast([1], new float[model.Config.VocabularySize]));

        Assert.Contains("test.rec has ended; 1 tokens at position", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReplayFrom_WhenAnythingThatBitsDependOnDiffers_RefusesItByName()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        RoutingRecordHeader here = model.DescribeRun();
        InstructionSet isa = here.Isa == InstructionSet.Scalar ? InstructionSet.Avx2 : InstructionSet.Scalar;
        RoutingRecordHeader[] others =
        [
            here with { Model = new ModelHash(5) }, here with { Format = WeightFormat.Q4 }, here with { Isa = isa }, here with { CpuVendor = "Acme" },
        ];
        string[] names =
        [
            $"model hash {new ModelHash(5)}, not {model.Hash}", "weight format Q4, not Float32",
            $"instruction-set level {isa}, not {here.Isa}", $"processor vendor Acme, not {here.CpuVendor}",
        ];

        foreach ((RoutingRecordHeader other, string name) in others.Zip(names))
        {
            using RoutingRecordReader reader = Empty(other);
            MoESession session = model.CreateSession(60);

            var e = Assert.Throws<RouterConfigurationException>(() => session.ReplayFrom(reader));

            Assert.Contains(name, e.Message, StringComparison.Ordinal);
            session.ReplayFrom(reader, ReplayMismatch.Warn);
            using var writer = new RoutingRecordWriter(Stream.Null, other);
            Assert.Contains(name, Assert.Throws<RouterConfigurationException>(() => session.RecordTo(writer)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ReplayFrom_WhenTheModelHasAnotherShape_IsRefusedWhateverIsAskedFor()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        RoutingRecordHeader here = model.DescribeRun();
        using RoutingRecordReader reader = Empty(here with { Layers = [new RecordedLayer(0, 3)] });

        var e = Assert.Throws<RouterConfigurationException>(() => model.CreateSession(60).ReplayFrom(reader, ReplayMismatch.Warn));

        Assert.Contains("1 layers of 3 experts", e.Message, StringComparison.Ordinal);
    }

    // Damage under a right checksum cannot be told from another record; without it every damage is told, and nothing else fails.
    [Fact]
    public void Forward_WhenTheRecordIsDamaged_SaysWhere()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        byte[] record = Record(model, out float[] expected, out _);
        var random = new SeededRandom(9);
        for (int i = 0; i < 200; i++)
        {
            byte[] bytes = [.. record];
            bytes[random.NextInt(0, bytes.Length)] ^= (byte)(1 << random.NextInt(0, 8));

            Assert.NotNull(Assert.Throws<RoutingRecordException>(() =>
            {
                MoESession session = model.CreateSession(60);
                using RoutingRecordReader reader = Open(bytes);
                session.ReplayFrom(reader);
                Assert.Equal(Bits(expected), Bits(Run(session, out _)));
                Assert.False(reader.ReadPass());
            }).Offset);
        }
    }

    [Fact]
    public void Forward_WhenItRecordsAndIsWarm_AllocatesNothing()
    {
        using MoEModel model = TestModels.Load(ReferenceFamily.Mixtral);
        MoESession session = model.CreateSession(60);
        using var writer = new RoutingRecordWriter(Stream.Null, model.DescribeRun());
        session.RecordTo(writer);
        int[] tokens = TestModels.Tokens();
        var logits = new float[model.Config.VocabularySize];

        Assert.Equal(0, AllocatedBytes.Least(() => session.ForwardLast(tokens, logits), calls: 1, before: session.Reset));
    }

    private static byte[] Record(MoEModel model, out float[] logits, out ForwardReport report)
    {
        using var stream = new MemoryStream();
        using var writer = new RoutingRecordWriter(stream, model.DescribeRun());
        MoESession session = model.CreateSession(60);
        session.RecordTo(writer);
        logits = Run(session, out report);
        writer.Complete();
        return stream.ToArray();
    }

    // A long pass, which a small MaxTokens cuts into chunks, four single tokens, and a second sequence.
    private static float[] Run(MoESession session, out ForwardReport report)
    {
        session.Reset();
        int[] tokens = TestModels.Tokens(44);
        var all = new List<float>();
        foreach (Range range in new[] { 0..40, 40..41, 41..42, 42..43, 43..44 })
        {
            Add(tokens[range]);
        }

        report = session.Total;
        session.Reset();
        Add(tokens[5..12]);
        return [.. all];

        void Add(int[] part)
        {
            var logits = new float[part.Length * 64];
            _ = session.Forward(part, logits);
            all.AddRange(logits);
        }
    }

    private static RoutingRecordReader Open(byte[] bytes) => new(new MemoryStream(bytes), "test.rec");

    private static RoutingRecordReader Empty(RoutingRecordHeader header)
    {
        using var stream = new MemoryStream();
        using var writer = new RoutingRecordWriter(stream, header);
        writer.Complete();
        return Open(stream.ToArray());
    }

    private static int[] Bits(float[] values) => [.. values.Select(BitConverter.SingleToInt32Bits)];
}
