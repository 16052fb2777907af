namespace DynamicMoE.Models;

/// <summary>Draws next tokens from logits, one sequence's after another: with the same options, seed and logits the same tokens. One thread at a time may use it.</summary>
public sealed class TokenSampler
{
    private readonly GenerationOptions _options;
    private readonly Random _random;
    private readonly Comparison<int> _falling;
    private int[] _ids = [];
    private double[] _keys = [];
    private double[] _weights = [];

    /// <summary>Makes a sampler.</summary>
    /// <param name="options">Temperature, TopK, TopP and Seed are looked at; null for the defaults: greedy. Later changes have no effect.</param>
    /// <param name="seed">In place of the options' seed; null takes theirs.</param>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    public TokenSampler(GenerationOptions? options = null, int? seed = null)
    {
        _options = (options ?? new GenerationOptions()).Validated();
        _random = new Random(seed ?? _options.Seed);

        // Falling logits, equal ones by rising id: the order must not depend on how the sort treats equal keys.
        _falling = (a, b) => _keys[a] != _keys[b] ? _keys[b].CompareTo(_keys[a]) : a.CompareTo(b);
    }

    /// <summary>Draws a token. Allocates nothing after the first call.</summary>
    /// <param name="logits"><c>[vocabulary]</c>, at least 1; negative infinity is a token that cannot be drawn, unless all are.</param>
    /// <returns>Index into <paramref name="logits"/>.</returns>
    /// <exception cref="RoutingValidationException">There is no logit, or one is NaN or positive infinity.</exception>
    public int Next(ReadOnlySpan<float> logits)
    {
        int best = Best(logits);
        if (_options.Temperature == 0 || float.IsNegativeInfinity(logits[best]))
        {
            return best;
        }

        if (_ids.Length < logits.Length)
        {
            _ids = new int[logits.Length];
            _keys = new double[logits.Length];
            _weights = new double[logits.Length];
        }

        int count = Candidates(logits, logits[best], out double sum);
        for (int i = 0; i < count; i++)
        {
            _weights[i] = Math.Exp((_keys[_ids[i]] - logits[best]) / _options.Temperature);
            sum += _weights[i];
        }

        return Pick(count, sum);
    }

    /// <summary>The first of the largest logits.</summary>
    private static int Best(ReadOnlySpan<float> logits)
    {
        if (logits.IsEmpty)
        {
            throw new RoutingValidationException("logits is empty, at least 1 is needed.");
        }

        int best = 0;
        for (int i = 0; i < logits.Length; i++)
        {
            if (!(logits[i] <= float.MaxValue))
            {
                throw new RoutingValidationException($"logits[{i}] is {logits[i]}, a number or negative infinity is needed.");
            }

            best = logits[i] > logits[best] ? i : best;
        }

        return best;
    }

    /// <summary>Puts the ids that may be drawn in falling order; with nothing to cut off any order will do.</summary>
    /// <param name="logits">All logits.</param>
    /// <param name="best">The largest.</param>
    /// <param name="cutOff">[out] Sum of the weights of those that cannot be drawn because the others hold the mass.</param>
    private int Candidates(ReadOnlySpan<float> logits, float best, out double cutOff)
    {
        // A token below this could not lie within the mass: all such together have less than what is left over. The margin covers rounding.
        bool cut = _options.TopP < 1 && _options.TopK == 0;
        double least = cut ? (1 - _options.TopP) / logits.Length * (1 - 1e-6) : 0;
        int count = 0;
        cutOff = 0;
        for (int i = 0; i < logits.Length; i++)
        {
            _keys[i] = logits[i];
            double weight = cut ? Math.Exp((_keys[i] - best) / _options.Temperature) : 1;
            if (weight < least)
            {
                cutOff += weight;
            }
            else
            {
                _ids[count++] = i;
            }
        }

        if (_options.TopP < 1 || (_options.TopK > 0 && _options.TopK < count))
        {
            _ids.AsSpan(0, count).Sort(_falling);
        }

        return _options.TopK == 0 ? count : Math.Min(_options.TopK, count);
    }

    private int Pick(int count, double sum)
    {
        double kept = 0;
        int last = 0;
        for (; last < count; last++)
        {
            kept += _weights[last];
            if (kept >= _options.TopP * sum)
            {
                break;
            }
        }

        double mark = _random.NextDouble() * kept;
        for (int i = 0; i < Math.Min(last, count - 1); i++)
        {
            mark -= _weights[i];
            if (mark < 0)
            {
                return _ids[i];
            }
        }

        return _ids[Math.Min(last, count - 1)];
    }
}
