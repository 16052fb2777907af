using System.Runtime.InteropServices;

namespace DynamicMoE;

/// <summary>Compares two records of routing token by token, whatever passes the tokens came in. Holds one pass of each in memory.</summary>
public static class RoutingDiff
{
    /// <summary>Compares two runs from where their readers stand to their ends.</summary>
    /// <param name="first">The first run.</param>
    /// <param name="second">The second run; another reader.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>Where they part.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="RoutingValidationException">The runs have other layers or expert counts; names both.</exception>
    /// <exception cref="RoutingRecordException">A file is truncated or damaged; names file and offset.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static RoutingDiffReport Compare(RoutingRecordReader first, RoutingRecordReader second, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        if (!first.Header.HasLayersOf(second.Header))
        {
            throw new RoutingValidationException(
                $"{first.Name} has {Describe(first.Header)}, {second.Name} {Describe(second.Header)}; runs of the same layers can be compared.");
        }

        var tally = new Tally(first, second);
        tally.Run(cancellationToken);
        return tally.Report();
    }

    internal static string Describe(RoutingRecordHeader header) =>
        $"{header.Layers.Count} layers with {string.Join('/', header.Layers.Select(layer => layer.Experts).Distinct().Take(8))} experts, the first layer {header.Layers[0].Layer}";

    /// <summary>Counts up one comparison.</summary>
    private sealed class Tally(RoutingRecordReader first, RoutingRecordReader second)
    {
        private readonly LayerCounts[] _layers = [.. first.Header.Layers.Select(_ => new LayerCounts())];
        private readonly Cursor _a = new(first), _b = new(second);
        private long _token;
        private InputDivergence? _input;
        private RoutingDivergence? _experts, _weights;

        public void Run(CancellationToken cancellation)
        {
            while (_input is null && _a.Next(cancellation) & _b.Next(cancellation))
            {
                if (_a.Position != _b.Position || _a.TokenId != _b.TokenId)
                {
                    _input = new InputDivergence(_token, _a.Position, _b.Position, _a.TokenId, _b.TokenId);
                    break;
                }

                for (int layer = 0; layer < _layers.Length; layer++)
                {
                    Compare(layer);
                }

                _token++;
            }

            _a.Drain(cancellation);
            _b.Drain(cancellation);
        }

        public RoutingDiffReport Report() => new()
        {
            First = first.Header,
            Second = second.Header,
            Tokens = _token,
            TokensOnlyInFirst = _a.Tokens - _token,
            TokensOnlyInSecond = _b.Tokens - _token,
            Input = _input,
            FirstExperts = _experts,
            FirstWeights = _weights,
            Layers = [.. first.Header.Layers.Select((layer, i) => _layers[i].Of(layer.Layer))],
        };

        private void Compare(int layer)
        {
            ReadOnlySpan<int> a = first.ExpertsOf(layer, _a.Row), b = second.ExpertsOf(layer, _b.Row);
            LayerCounts counts = _layers[layer];
            counts.FirstRoutes += a.Length;
            counts.SecondRoutes += b.Length;
            if (!a.SequenceEqual(b))
            {
                counts.ExpertsDiffer++;
                _experts ??= Divergence(layer);
                return;
            }

            ReadOnlySpan<float> wa = first.WeightsOf(layer, _a.Row), wb = second.WeightsOf(layer, _b.Row);
            if (!MemoryMarshal.AsBytes(wa).SequenceEqual(MemoryMarshal.AsBytes(wb)))
            {
                counts.WeightsDiffer++;
                _weights ??= Divergence(layer);
                for (int slot = 0; slot < wa.Length; slot++)
                {
                    counts.Largest = Math.Max(counts.Largest, Math.Abs((double)wa[slot] - wb[slot]));
                }
            }
        }

        private RoutingDivergence Divergence(int layer) => new(
            _token,
            _a.Position,
            _a.TokenId,
            first.Header.Layers[layer].Layer,
            first.ExpertsOf(layer, _a.Row).ToArray(),
            second.ExpertsOf(layer, _b.Row).ToArray(),
            first.WeightsOf(layer, _a.Row).ToArray(),
            second.WeightsOf(layer, _b.Row).ToArray());
    }

    /// <summary>Goes through the tokens of one run.</summary>
    private sealed class Cursor(RoutingRecordReader reader)
    {
        private int _rows;
        private bool _ended;

        public int Row { get; private set; } = -1;

        /// <summary>Tokens seen so far, this one included.</summary>
        public long Tokens { get; private set; }

        public int Position => reader.Position + Row;

        public int TokenId => reader.TokenIds[Row];

        public bool Next(CancellationToken cancellation)
        {
            if (++Row >= _rows && !NextPass(cancellation))
            {
                return false;
            }

            Tokens++;
            return true;
        }

        public void Drain(CancellationToken cancellation)
        {
            if (_ended)
            {
                return;
            }

            Tokens += Math.Max(0, _rows - Row - 1);
            while (NextPass(cancellation))
            {
                Tokens += _rows;
            }
        }

        private bool NextPass(CancellationToken cancellation)
        {
            cancellation.ThrowIfCancellationRequested();
            _ended = !reader.ReadPass();
            _rows = reader.TokenIds.Length;
            Row = 0;
            return !_ended;
        }
    }

    private sealed class LayerCounts
    {
        public long ExpertsDiffer { get; set; }

        public long WeightsDiffer { get; set; }

        public double Largest { get; set; }

        public long FirstRoutes { get; set; }

        public long SecondRoutes { get; set; }

        public LayerDivergence Of(int layer) => new(layer, ExpertsDiffer, WeightsDiffer, Largest, FirstRoutes, SecondRoutes);
    }
}
