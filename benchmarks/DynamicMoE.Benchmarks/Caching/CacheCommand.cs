using System.CommandLine;
using System.Globalization;

namespace DynamicMoE.Benchmarks.Caching;

/// <summary>When does a cache around a router pay?</summary>
internal static class CacheCommand
{
    public static int Run(string[] args)
    {
        var shapes = new Option<string[]>("--shape") { Description = "Layer sizes", DefaultValueFactory = _ => ["M", "O"], AllowMultipleArgumentsPerToken = true };
        shapes.AcceptOnlyFromAmong([.. LayerShape.All.Select(s => s.Name)]);
        var tokens = new Option<int[]>("--tokens") { Description = "Rows of a call", DefaultValueFactory = _ => [1, 16, 256], AllowMultipleArgumentsPerToken = true };
        var rates = new Option<double[]>("--hit-rate")
        {
            Description = "Shares of rows that came before", DefaultValueFactory = _ => [0, 0.5, 0.9, 1], AllowMultipleArgumentsPerToken = true,
        };
        var seconds = new Option<double>("--seconds") { Description = "Time of each cell", DefaultValueFactory = _ => 1 };
        var root = new RootCommand("Routing with and without a cache, call by call in turn") { shapes, tokens, rates, seconds };
        root.SetAction(parsed =>
        {
            RuntimeInfo info = RuntimeInfo.Query();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{info.CpuName}, {info.Isa}, pool {info.PoolThreads}"));
            Console.WriteLine("shape     D    E  tokens  hit rate  plain ns/row  cached ns/row  cached/plain  by the router itself");
            foreach (LayerShape shape in parsed.GetValue(shapes)!.Select(LayerShape.Named))
            {
                foreach (int count in parsed.GetValue(tokens)!)
                {
                    foreach (double rate in parsed.GetValue(rates)!)
                    {
                        Print(shape, count, rate, TimeSpan.FromSeconds(parsed.GetValue(seconds)));
                    }
                }
            }
        });
        return root.Parse(args).Invoke();
    }

    private static void Print(LayerShape shape, int tokens, double rate, TimeSpan time)
    {
        using var cell = new CacheCell(shape, tokens, rate);
        CacheResult result = cell.Run(time);
        CacheStats own = result.Stats;
        string verdict = own.Pays switch { true => "pays", false => "does not pay", null => "undecided" };
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{shape.Name,-5} {shape.Hidden,5} {shape.Experts,4}  {tokens,6}  {result.HitRate,8:F2}  {result.PlainNs,12:F0}  {result.CachedNs,13:F0}  {result.CachedNs / result.PlainNs,12:F2}  {own.CachedNanosecondsPerRow / own.PlainNanosecondsPerRow:F2} {verdict}"));
    }
}
