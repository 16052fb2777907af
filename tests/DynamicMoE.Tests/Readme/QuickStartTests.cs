using System.Globalization;
using System.Numerics.Tensors;
using System.Text.RegularExpressions;
using Console = DynamicMoE.Tests.Readme.RecordedConsole;

namespace DynamicMoE.Tests.Readme;

/// <summary>The quick start of README.md: it compiles, runs, and is what the page shows.</summary>
public sealed partial class QuickStartTests
{
    [Fact]
    public void QuickStart_WhenRun_PrintsWhatItPromises()
    {
        // <snippet>
        using var router = new DynamicRouter(new DynamicRouterOptions
        {
            InputDim = 64, NumExperts = 8, MaxExperts = 2,
            Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = 1.5,
        });
        using var layer = new MoELayer(router, new ExpertBankOptions { NumExperts = 8, Hidden = 64, Width = 128 });
        Tensor<float> hidden = Tensor.Create(Enumerable.Range(0, 32 * 64).Select(i => MathF.Sin(i)).ToArray(), [1, 32, 64]);
        for (int batch = 0; batch < 500; batch++) { layer.Forward(hidden); } // the threshold settles on the budget
        MoEResult result = layer.Forward(hidden);
        Console.WriteLine($"{router.Arbiter!.RealisedMean:F2} experts per token, {layer.GetPerformanceSummary().ComputationalEfficiency:P0} saved");
        // </snippet>

        Assert.Equal("1.50 experts per token, 25 % saved", Console.Line);
        Assert.Equal([1, 32, 64], result.Output.Lengths.ToArray());
    }

    [Fact]
    public void Readme_WhenItShowsTheQuickStart_ShowsThisCode()
    {
        string root = RepositoryRoot();
        string source = File.ReadAllText(Path.Combine(root, "tests/DynamicMoE.Tests/Readme/QuickStartTests.cs"));
        string snippet = Snippet().Match(source).Groups[1].Value;
        string code = string.Join('\n', snippet.Split('\n').Select(line => line.Length > 8 ? line[8..] : line.Trim())).Trim();
        string shown = "using System.Numerics.Tensors;\nusing DynamicMoE;\n" + code;

        Assert.InRange(shown.Split('\n').Length, 1, 12);
        Assert.Contains(shown, File.ReadAllText(Path.Combine(root, "README.md")), StringComparison.Ordinal);
    }

    [GeneratedRegex("// <snippet>\n(.*?)// </snippet>", RegexOptions.Singleline)]
    private static partial Regex Snippet();

    private static string RepositoryRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "DynamicMoE.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("The tests run outside the repository.");
    }
}

/// <summary>Stands in for the console, so that the snippet stays as a reader would type it.</summary>
internal static class RecordedConsole
{
    public static string Line { get; private set; } = "";

    public static void WriteLine(FormattableString text) => Line = text.ToString(CultureInfo.InvariantCulture);
}
