using DynamicMoE.Cli.Benchmarking;
using DynamicMoE.Cli.Benchmarking.Cuda;
using DynamicMoE.TestKit.Files;
using Xunit;

namespace DynamicMoE.Cli.Tests.Benchmarking.Cuda;

public sealed class CudaLayerModelTests
{
    private static readonly CudaKernels Kernels = CudaKernels.Embedded();

    public static TheoryData<string, WeightFormat, int> Cells()
    {
        var cells = new TheoryData<string, WeightFormat, int>();
        foreach (LayerShape shape in LayerShape.All)
        {
            foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
            {
                foreach (int tokens in new[] { 1, 8, 9, 64, 512, 4096 })
                {
                    cells.Add(shape.Name, format, tokens);
                }
            }
        }

        return cells;
    }

    // No modelled time may be below what the data sheet allows, whatever the tiles are.
    [Theory]
    [MemberData(nameof(Cells))]
    public void Seconds_AreNeverBelowTheDataSheet(string name, WeightFormat format, int tokens)
    {
        LayerShape shape = LayerShape.Named(name);
        foreach (CudaCard card in CudaCard.All)
        {
            double seconds = new CudaLayerModel(card, Kernels).Seconds(shape, format, tokens);
            double flops = (double)tokens * shape.FlopsPerToken / (format == WeightFormat.Float32 ? card.Float32Flops : card.TensorFlops);
            double bytes = CudaLayerOps.DistinctExperts(shape, tokens) * LayerFormats.ExpertBytes(shape, format) / card.BytesPerSecond;

            Assert.True(seconds >= Math.Max(flops, bytes), $"{card.Name}: {seconds} s, {flops} s by operations, {bytes} s by bytes");
        }
    }

    // Every kernel that the model launches is one that ptxas has seen.
    [Theory]
    [MemberData(nameof(Cells))]
    public void Launches_AreKernelsOfTheBudget(string name, WeightFormat format, int tokens)
    {
        foreach (CudaOpTime launch in new CudaLayerModel(CudaCard.All[0], Kernels).Launches(LayerShape.Named(name), format, tokens))
        {
            Assert.Contains(launch.Op.Name, Kernels.Entries);
            Assert.InRange(launch.Share, 0, 1.0000001);
        }
    }

    // Figures of NVIDIA's occupancy calculator.
    [Theory]
    [InlineData("sm_80", 256, 32, 0, 8)]
    [InlineData("sm_80", 256, 128, 49152, 2)]
    [InlineData("sm_80", 128, 128, 32768, 4)]
    [InlineData("sm_86", 1024, 63, 0, 1)]
    [InlineData("sm_89", 128, 96, 34816, 2)]
    [InlineData("sm_90", 32, 16, 0, 32)]
    [InlineData("sm_80", 256, 32, 200000, 0)]
    public void Blocks_AreThoseOfTheLimits(string architecture, int threads, int registers, int shared, int blocks) =>
        Assert.Equal(blocks, CudaOccupancy.Blocks(architecture, new BlockUse(threads, registers, shared)));

    [Fact]
    public void Report_IsTheCommittedOne()
    {
        string committed = File.ReadAllText(Path.Combine(RepositoryRoot.Find(), "benchmarks/results/cuda-model.md"));

        Assert.Equal(committed, CudaModelReport.Write(Kernels));
    }
}
