using DynamicMoE.TestKit.Generators;

namespace DynamicMoE.Tests.Recording;

/// <summary>Small records in memory.</summary>
internal static class Records
{
    public static RoutingRecordHeader Header { get; } = new()
    {
        Model = new ModelHash(UInt128.MaxValue / 7),
        Format = WeightFormat.Q4,
        Isa = InstructionSet.Avx2,
        CpuVendor = "GenuineIntel",
        Layers = [new RecordedLayer(1, 8), new RecordedLayer(4, 300)],
    };

    /// <summary>A record of three passes of 5, 1 and 7 tokens; the second sequence begins with the third.</summary>
    public static byte[] Make(ulong seed = 3, Action<int, int, RoutingBuffers>? change = null)
    {
        using var stream = new MemoryStream();
        using var writer = new RoutingRecordWriter(stream, Header);
        var random = new SeededRandom(seed);
        int pass = 0;
        foreach ((int tokens, int position) in new[] { (5, 0), (1, 5), (7, 0) })
        {
            writer.BeginPass([.. Enumerable.Range(0, tokens).Select(i => (pass * 1000) + i)], position);
            for (int layer = 0; layer < 2; layer++)
            {
                RoutingBuffers routes = Routes(random, tokens, Header.Layers[layer].Experts);
                change?.Invoke(pass, layer, routes);
                writer.Add(layer, routes);
            }

            pass++;
        }

        writer.Complete();
        return stream.ToArray();
    }

    /// <summary>Decisions of up to 3 experts per token; some tokens have none, as a capacity leaves them.</summary>
    public static RoutingBuffers Routes(SeededRandom random, int tokens, int experts)
    {
        var routes = new RoutingBuffers(tokens, 3, experts, withLogits: false);
        for (int token = 0; token < tokens; token++)
        {
            int count = random.NextInt(0, 4);
            int first = random.NextInt(0, experts);
            routes.ExpertsPerToken[token] = count;
            for (int slot = 0; slot < 3; slot++)
            {
                routes.ExpertIndices[(token * 3) + slot] = slot < count ? (first + (slot * 2)) % experts : -1;
                routes.ExpertWeights[(token * 3) + slot] = slot < count ? (float)random.NextGaussian() : 0;
            }
        }

        return routes;
    }

    public static RoutingRecordReader Open(byte[] bytes) => new(new MemoryStream(bytes), "test.rec");

    /// <summary>Reads everything.</summary>
    public static int ReadAll(byte[] bytes)
    {
        using RoutingRecordReader reader = Open(bytes);
        int passes = 0;
        while (reader.ReadPass())
        {
            passes++;
        }

        return passes;
    }
}
