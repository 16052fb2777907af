using System.Buffers.Binary;
using DynamicMoE.Peers.Bars;
using DynamicMoE.Peers.Questions;
using DynamicMoE.Peers.Report;
using DynamicMoE.Peers.Results;

namespace DynamicMoE.Peers.Tests;

public sealed class ReportFolderTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory();

    [Fact]
    public void Write_WhenThereAreResults_HasPageResultsAndPlot()
    {
        ReportFolder.Write(_folder.FullName, Report());

        Assert.Equal(["layer-1t.png", "layer.json", "layer.md"], _folder.GetFiles().Select(file => file.Name).Order());
        byte[] image = File.ReadAllBytes(Path.Combine(_folder.FullName, "layer-1t.png"));
        Assert.Equal((1400, 900), (BinaryPrimitives.ReadInt32BigEndian(image.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(image.AsSpan(20))));
        Assert.Equal(5, ResultFile.Read(Path.Combine(_folder.FullName, "layer.json")).Cells.Count);
    }

    [Fact]
    public void Text_WhenThereAreResults_SaysWhatHoldsAndWhatIsInDoubt()
    {
        string text = new MarkdownReport(Report().WithBars()).Text(new Dictionary<int, string> { [1] = "plot.png" });

        Assert.Contains("a cpu, 2 logical processors, level avx2", text, StringComparison.Ordinal);
        Assert.Contains("DynamicMoE.Peers --shape O\n", text, StringComparison.Ordinal);
        Assert.Contains("](plot.png)", text, StringComparison.Ordinal);
        Assert.Contains("| 1 | time <= floor / 0.9 | 0 | 2 | O f32 T=1 1t (0.50), Q bf16 T=1 1t (1.10, void) |", text, StringComparison.Ordinal);
        Assert.Contains("so that they are void and none of their bars holds: Q bf16 T=1 1t (1.10).", text, StringComparison.Ordinal);
        Assert.Contains(" | **1 void** |\n", text, StringComparison.Ordinal);
        Assert.Contains("part of their experts stays in L3; no decoding bar is for them: M q8 T=1 1t (1.30).", text, StringComparison.Ordinal);
        Assert.Contains("| M | q8 | 1 | 1 | refused: onnxruntime: no |", text, StringComparison.Ordinal);
        Assert.Contains("| M | f32 | 1 | 1 | counts | 1.50 | 2.000 | 1.500 | 0.75 |", text, StringComparison.Ordinal);
        Assert.Contains("| 4 | time at counts of 1.5 on average <= 0.80 of static k = 2 | 1 | 1 |  |", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_WhenAPeerWasMeasuredElsewhere_ComparesByShare()
    {
        PeersReport report = Report() with { Cells = [TestCells.Of("O", "q4", share: 0.5, ratio: 3) with { Threads = 2 }] };

        string text = new MarkdownReport(report.WithBars()).Text(new Dictionary<int, string>());

        Assert.Contains(" | 3.00 | 78 | 0.64 | **not 1** **not 2** |\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_WhenRoutingOfOneTokenWasMeasured_SaysWhatIsNotInIt()
    {
        string text = new MarkdownReport(Report() with { Routing = [new TokenRouting("O", "f32", 1, 20, 17)] }).Text(new Dictionary<int, string>());

        Assert.Contains("| O | f32 | 1 | 20.0 | 17.0 |\n\nOf the router's call alone: plan and combine of one token are not in these times.", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, "O", 1, "q4", 0.78)]
    [InlineData(1, "O", 1, "q4", null)]
    [InlineData(2, "O", 512, "q4", null)]
    public void GgmlFigures_WhenAsked_AreThoseOfTwoThreads(int threads, string shape, int tokens, string format, double? share) =>
        Assert.Equal(share, GgmlFigures.Of(TestCells.Of(shape, format, tokens) with { Threads = threads })?.Share);

    public void Dispose() => _folder.Delete(recursive: true);

    private static PeersReport Report() => new()
    {
        Machine = TestCells.Machine,
        Versions = new Dictionary<string, string> { ["onnxruntime"] = "1.31.1" },
        Commands = ["--shape O"],
        Cells =
        [
            TestCells.Of("O", "f32", share: 0.5, ratio: 2),
            TestCells.Of("O", "f32", tokens: 512, ratio: 2, binds: LayerFloor.Flops),
            TestCells.Of("Q", "bf16", share: 1.10),
            TestCells.Of("M", "q8", share: 1.30, expertBytes: TestCells.L3Bytes) with { Refused = ["onnxruntime: no"] },
            TestCells.Of("S", "q4", tokens: 64, binds: LayerFloor.Flops),
        ],
        Dynamic = [new DynamicCount("M", "f32", 1, 1, "counts", 1.5, 2, 1.5, 0.75)],
    };
}
