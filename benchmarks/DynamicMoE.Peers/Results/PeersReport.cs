using DynamicMoE.Peers.Bars;
using DynamicMoE.Peers.Questions;

namespace DynamicMoE.Peers.Results;

/// <summary>All that was measured on one machine, in one run or several.</summary>
internal sealed record PeersReport
{
    /// <summary>Where.</summary>
    public required BenchMachine Machine { get; init; }

    /// <summary>Versions of the other implementations, by name.</summary>
    public required IReadOnlyDictionary<string, string> Versions { get; init; }

    /// <summary>Arguments of each run.</summary>
    public IReadOnlyList<string> Commands { get; init; } = [];

    public IReadOnlyList<LayerCell> Cells { get; init; } = [];

    /// <summary>What is not expert work in a large batch.</summary>
    public IReadOnlyList<BatchOverhead> Overhead { get; init; } = [];

    /// <summary>Routing of one token between two calls of the layer.</summary>
    public IReadOnlyList<TokenRouting> Routing { get; init; } = [];

    /// <summary>Time under dynamic counts of experts.</summary>
    public IReadOnlyList<DynamicCount> Dynamic { get; init; } = [];

    /// <summary>Required figures; computed from the above.</summary>
    public IReadOnlyList<Bar> Bars { get; init; } = [];

    /// <summary>The same, with the bars that follow from it.</summary>
    public PeersReport WithBars() => this with
    {
        Bars =
        [
            .. LayerBars.Of(Cells, Machine.L3Bytes),
            .. Overhead.Select(row => row.Bar()),
            .. Routing.Select(row => row.Bar()),
            .. Dynamic.Select(row => row.Bar()),
        ],
    };

    /// <summary>Joins results of the same machine; what was measured again replaces what was there.</summary>
    public PeersReport With(PeersReport newer) => newer with
    {
        Commands = [.. Commands.Concat(newer.Commands).Distinct()],
        Cells = Joined(Cells, newer.Cells, cell => (cell.Shape, cell.Format, cell.Threads, cell.Tokens)),
        Overhead = Joined(Overhead, newer.Overhead, row => (row.Shape, row.Format, row.Threads, row.Tokens)),
        Routing = Joined(Routing, newer.Routing, row => (row.Shape, row.Format, row.Threads)),
        Dynamic = Joined(Dynamic, newer.Dynamic, row => (row.Shape, row.Format, row.Threads, row.Tokens, row.Rule)),
    };

    private static IReadOnlyList<T> Joined<T, TKey>(IReadOnlyList<T> older, IReadOnlyList<T> newer, Func<T, TKey> key)
    {
        HashSet<TKey> replaced = [.. newer.Select(key)];
        return [.. older.Where(row => !replaced.Contains(key(row))), .. newer];
    }
}
