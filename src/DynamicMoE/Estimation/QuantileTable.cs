namespace DynamicMoE;

/// <summary>
/// Running estimate of a distribution: values at the levels (i + 0.5) / Knots. Each update mixes the old distribution with the new
/// samples and reads the values off the mixture, so that no histogram range has to be known beforehand and nothing is allocated. Readers do not wait for it.
/// </summary>
internal sealed class QuantileTable(double smoothing)
{
    private const int Knots = 64;
    private const double SmoothingTokens = 64;

    private readonly Lock _gate = new();
    private readonly float[] _knots = new float[Knots];
    private readonly float[] _next = new float[Knots];
    private readonly SequencedFloats _published = new(Knots);
    private double _observed;
    private double _mass;
    private int _written;
    private bool _ready;

    /// <summary>Maps each value to its share of the distribution that is not above it, ties counted half.</summary>
    /// <returns>False, with nothing written, before any sample.</returns>
    internal bool TryMap(ReadOnlySpan<float> values, Span<float> shares)
    {
        if (!Volatile.Read(ref _ready))
        {
            return false;
        }

        Span<float> knots = stackalloc float[Knots];
        _published.Read(knots);
        for (int i = 0; i < values.Length; i++)
        {
            shares[i] = ShareBelow(knots, values[i]);
        }

        return true;
    }

    /// <summary>Adds samples. The newest 64 weigh <c>smoothing</c> once the table is warm; before that all weigh alike.</summary>
    /// <param name="samples">Finite values; sorted in place.</param>
    internal void Observe(Span<float> samples)
    {
        samples.Sort();
        lock (_gate)
        {
            _observed += samples.Length;
            Mix(samples, Math.Min(1, Share(samples.Length)));
            _next.CopyTo(_knots, 0);
            _published.Write(_knots);
            Volatile.Write(ref _ready, true);
        }
    }

    /// <summary>Whether a state can be restored.</summary>
    internal static bool Fits(ScoreTableSnapshot? state) => state is { Tokens: >= 0, Values.Count: Knots } && double.IsFinite(state.Tokens)
        && state.Values.All(float.IsFinite) && state.Values.Zip(state.Values.Skip(1)).All(pair => pair.First <= pair.Second);

    /// <summary>Copies the state.</summary>
    internal ScoreTableSnapshot Copy()
    {
        lock (_gate)
        {
            return new ScoreTableSnapshot(_observed, [.. _knots]);
        }
    }

    /// <summary>Takes over a state that fits.</summary>
    internal void Restore(ScoreTableSnapshot state)
    {
        lock (_gate)
        {
            _observed = state.Tokens;
            state.Values.ToArray().CopyTo(_knots, 0);
            _published.Write(_knots);
            Volatile.Write(ref _ready, _observed > 0);
        }
    }

    // Where hardly anything is forgotten all samples weigh alike: there 1 - smoothing is 1, and both weights 0.
    private double Share(int newest) =>
        smoothing * _observed / SmoothingTokens < 1e-8 ? newest / _observed : Weight(newest) / Weight(_observed);

    private double Weight(double tokens) => 1 - Math.Pow(1 - smoothing, tokens / SmoothingTokens);

    /// <summary>Share of the distribution below a value, ties counted half, between ascending knots at the levels (i + 0.5) / Length.</summary>
    internal static float ShareBelow(ReadOnlySpan<float> knots, float value)
    {
        int first = LowerBound(knots, value);
        int past = first;
        while (past < knots.Length && knots[past] == value)
        {
            past++;
        }

        if (past > first)
        {
            return (first + past) / (2f * knots.Length);
        }

        if (first == 0 || first == knots.Length)
        {
            return first == 0 ? 0 : 1;
        }

        float low = knots[first - 1];
        double within = ((double)value - low) / ((double)knots[first] - low);
        return (float)((first - 0.5 + within) / knots.Length);
    }

    private static int LowerBound(ReadOnlySpan<float> knots, float value)
    {
        int low = 0;
        int high = knots.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (knots[middle] < value)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    // Sweeps both distributions upwards. The old one has mass 1/Knots spread evenly between neighbouring knots and half of that at each end.
    private void Mix(ReadOnlySpan<float> samples, double newest)
    {
        double sampleMass = newest / samples.Length;
        double segmentMass = (1 - newest) / Knots;
        _mass = 0;
        _written = 0;
        int next = 0;
        for (; next < samples.Length && samples[next] < _knots[0]; next++)
        {
            Spread(sampleMass, samples[next], samples[next]);
        }

        Spread(segmentMass / 2, _knots[0], _knots[0]);
        for (int knot = 0; knot + 1 < Knots; knot++)
        {
            float from = _knots[knot];
            float to = _knots[knot + 1];
            double left = segmentMass;
            for (; next < samples.Length && samples[next] < to; next++)
            {
                float at = Math.Max(samples[next], from);
                double part = to > from ? left * ((double)at - from) / ((double)to - from) : 0;
                Spread(part, from, at);
                Spread(sampleMass, at, at);
                left -= part;
                from = at;
            }

            Spread(left, from, to);
        }

        Spread(segmentMass / 2, _knots[^1], _knots[^1]);
        for (; next < samples.Length; next++)
        {
            Spread(sampleMass, samples[next], samples[next]);
        }

        // Rounding may leave the last levels open: they are the largest value seen.
        float last = Math.Max(samples[^1], newest < 1 ? _knots[^1] : samples[^1]);
        _next.AsSpan(_written).Fill(last);
    }

    private void Spread(double mass, float from, float to)
    {
        double end = _mass + mass;
        for (; _written < Knots && mass > 0; _written++)
        {
            double level = (_written + 0.5) / Knots;
            if (level > end)
            {
                break;
            }

            _next[_written] = (float)(from + (level - _mass) / mass * (to - (double)from));
        }

        _mass = end;
    }
}
