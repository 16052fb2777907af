using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using DynamicMoE.Cli.Models;

namespace DynamicMoE.Benchmarks.Monitoring;

/// <summary>What does monitoring cost a call at one token? More than 1 % with every metric collected is exit code 1; which spans are sampled is the host's choice.</summary>
internal static class MonitoringCommand
{
    private const double MostShare = 0.01;
    private const int TinyHidden = 16;
    private const int TinyWidth = 8;
    private const int BlockCalls = 2000;

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true, NewLine = "\n", PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    public static int Run(string[] args)
    {
        var shape = new Option<string>("--shape") { Description = "Layer size", DefaultValueFactory = _ => "M" };
        shape.AcceptOnlyFromAmong([.. LayerShape.All.Select(s => s.Name)]);
        var formats = new Option<string[]>("--format")
        {
            Description = "Formats of the weights", DefaultValueFactory = _ => ["bf16", "q4"], AllowMultipleArgumentsPerToken = true,
        };
        formats.AcceptOnlyFromAmong([.. WeightFormats.Names]);
        var calls = new Option<int>("--calls") { Description = "Calls of each layer in a round", DefaultValueFactory = _ => 300 };
        var rounds = new Option<int>("--rounds") { Description = "Times that everything is measured", DefaultValueFactory = _ => 5 };
        var json = new Option<bool>("--json") { Description = "Writes JSON instead of a table" };
        var root = new RootCommand("Cost of monitoring") { shape, formats, calls, rounds, json };
        root.SetAction(parsed =>
        {
            MonitoringReport report = Measure(
                LayerShape.Named(parsed.GetValue(shape)!), parsed.GetValue(formats)!, parsed.GetValue(calls), parsed.GetValue(rounds));
            if (parsed.GetValue(json))
            {
                Console.WriteLine(JsonSerializer.Serialize(report, Json));
            }
            else
            {
                Print(report);
            }

            return report.Rows.Any(row => row.Share > MostShare && row.Listening != nameof(Listening.MetricsAndSpans)) ? 1 : 0;
        });
        return root.Parse(args).Invoke();
    }

    private static MonitoringReport Measure(LayerShape shape, string[] formats, int calls, int rounds)
    {
        using var tiny = new MonitoredPair(TinyHidden, TinyWidth, shape.Experts, shape.ExpertsPerToken, WeightFormat.Float32);
        tiny.WarmCost(5, BlockCalls);
        var rows = new List<MonitoringRow>();
        foreach (string format in formats)
        {
            using var pair = new MonitoredPair(shape.Hidden, shape.Width, shape.Experts, shape.ExpertsPerToken, LayerFormats.Named(format));
            var weights = new byte[shape.ExpertsPerToken * LayerFormats.ExpertBytes(shape, LayerFormats.Named(format))];

            // Pages that were never written all lie in one page of zeros, which fills no cache.
            Array.Fill(weights, (byte)2);
            pair.Calls(calls);
            foreach (Listening listening in Enum.GetValues<Listening>())
            {
                using var listeners = new Listeners(listening);
                var warm = new double[rounds];
                var cold = new double[rounds];
                var bare = new double[rounds];
                var paired = new double[rounds];
                var control = new double[rounds];
                for (int round = 0; round < rounds; round++)
                {
                    warm[round] = tiny.WarmCost(11, BlockCalls);
                    cold[round] = tiny.ColdCost(calls, weights);
                    (bare[round], double second, double monitored) = pair.Calls(calls);
                    paired[round] = (monitored / bare[round]) - 1;
                    control[round] = (second / bare[round]) - 1;
                }

                double nanoseconds = MonitoredPair.Median(cold) * 1e9, microseconds = MonitoredPair.Median(bare) * 1e6;
                rows.Add(new MonitoringRow(
                    format,
                    listening.ToString(),
                    microseconds,
                    MonitoredPair.Median(warm) * 1e9,
                    nanoseconds,
                    nanoseconds / (microseconds * 1e3),
                    MonitoredPair.Median(paired),
                    MonitoredPair.Median(control),
                    tiny.Bytes(BlockCalls)));
            }
        }

        return new MonitoringReport(shape.Name, rounds, RuntimeInfo.Query().CpuName, rows);
    }

    private static void Print(MonitoringReport report)
    {
        Console.WriteLine($"{report.Shape} T=1; {report.Cpu}; {report.Rounds} rounds");
        Console.WriteLine("format  listening        bare us  warm ns  cold ns    share   paired  control  bytes");
        foreach (MonitoringRow row in report.Rows)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{row.Format,-6}  {row.Listening,-15} {row.BareUs,8:F1} {row.WarmNs,8:F0} {row.ColdNs,8:F0} {row.Share,8:P2} {row.Paired,8:P2} {row.Control,8:P2} {row.BytesPerCall,6:F1}"));
        }
    }
}
