using System.CommandLine;
using DynamicMoE.Peers.Bars;
using DynamicMoE.Peers.Questions;
using DynamicMoE.Peers.Results;

namespace DynamicMoE.Peers;

/// <summary>One run of the program: measures, shows each result as it comes and adds it to the file of results.</summary>
internal sealed class Run
{
    // Of one token's routing between layer calls; a call of the largest layer takes some milliseconds.
    private static readonly TimeSpan RoutingTime = TimeSpan.FromSeconds(3);

    private readonly PeersOptions _options;
    private readonly ParseResult _parsed;
    private readonly TextWriter _table;
    private readonly string? _file;
    private readonly PeersReport _empty;
    private PeersReport _report;

    public Run(PeersOptions options, ParseResult parsed)
    {
        _options = options;
        _parsed = parsed;
        _table = parsed.GetValue(options.Json) ? TextWriter.Null : Console.Out;
        _file = parsed.GetValue(options.Out);
        int threads = parsed.GetValue(options.Threads)!.Max();
        if (threads > RuntimeInfo.Query().PoolThreads)
        {
            NativeLibraryOptions.SetThreads(threads);
        }

        _empty = new PeersReport
        {
            Machine = BenchMachine.Of(RuntimeInfo.Query()),
            Versions = Versions.OfPeers(),
            Commands = [string.Join(' ', parsed.Tokens.Select(token => token.Value))],
        };
        _report = _empty;
    }

    private int Repetitions => _parsed.GetValue(_options.Repetitions);

    private TimeSpan Budget => TimeSpan.FromSeconds(_parsed.GetValue(_options.Seconds));

    private ulong Seed => (ulong)_parsed.GetValue(_options.Seed);

    private IReadOnlyList<int> Threads => _parsed.GetValue(_options.Threads)!;

    public void Measure()
    {
        if (_parsed.GetValue(_options.Overhead))
        {
            MeasureOverhead();
        }
        else if (_parsed.GetValue(_options.Dynamic))
        {
            MeasureDynamic();
        }
        else
        {
            MeasureGrid();
        }

        if (_parsed.GetValue(_options.Json))
        {
            Console.WriteLine(ResultFile.ToJson(_report));
        }
    }

    private void MeasureGrid()
    {
        var grid = new Grid(_options.Layers(_parsed), Threads, _parsed.GetValue(_options.Tokens)!, Repetitions, Budget, _parsed.GetValue(_options.Attempts), Seed);
        _table.WriteLine(ResultTable.Header);
        foreach (LayerCell cell in grid.Run())
        {
            Add(_empty with { Cells = [cell] });
            _table.WriteLine(ResultTable.Of(cell, LayerBars.Of(_report.Cells, _report.Machine.L3Bytes).Where(bar => bar.IsOf(cell))));
        }
    }

    private void MeasureOverhead()
    {
        foreach ((LayerWeights weights, DynamicMoELayer layer) in Layers())
        {
            foreach (int threads in Threads)
            {
                Show(new PeersReport[] { _empty with { Overhead = [BatchOverhead.Measure(weights, layer, threads, 512, Repetitions, Budget)] } });
                if (weights.Shape.Name == "O")
                {
                    Show([_empty with { Routing = [TokenRouting.Measure(weights, layer, LayerLimits.Measure(threads), RoutingTime)] }]);
                }
            }
        }
    }

    private void MeasureDynamic()
    {
        foreach ((LayerWeights weights, DynamicMoELayer layer) in Layers())
        {
            foreach (int threads in Threads)
            {
                foreach (int tokens in new[] { 512, 1 })
                {
                    Show(DynamicCount.Measure(weights, layer, threads, tokens, Repetitions, Budget).Select(row => _empty with { Dynamic = [row] }));
                }
            }
        }
    }

    // Our layers with their weights, one at a time.
    private IEnumerable<(LayerWeights Weights, DynamicMoELayer Layer)> Layers()
    {
        foreach ((LayerShape shape, WeightFormat format) in _options.Layers(_parsed))
        {
            var weights = new LayerWeights(shape, format, Seed);
            using var layer = new DynamicMoELayer(weights);
            weights.ForEach(layer.SetExpert);
            yield return (weights, layer);
        }
    }

    // Bars are all that these results are for.
    private void Show(IEnumerable<PeersReport> parts)
    {
        foreach (PeersReport part in parts)
        {
            Add(part);
            foreach (Bar bar in part.WithBars().Bars)
            {
                _table.WriteLine($"{bar.Shape,-5}  {bar.Format,-6}  {bar.Threads,7}  {bar.Tokens,6}  {bar.Reached,8:g3}  {(bar.Holds ? "holds" : "fails")}  {bar.Text}");
            }
        }
    }

    private void Add(PeersReport part)
    {
        _report = _report.With(part);
        if (_file is not null)
        {
            ResultFile.Add(_file, part);
        }
    }
}
