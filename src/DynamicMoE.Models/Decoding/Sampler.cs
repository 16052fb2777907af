namespace DynamicMoE.Models;

/// <summary>Draws the next token from logits.</summary>
internal sealed class Sampler
{
    private readonly GenerationOptions _options;
    private readonly Random _random;
    private readonly int[] _ids;
    private readonly double[] _keys;
    private readonly double[] _weights;

    public Sampler(GenerationOptions options, int vocabulary)
    {
        _options = options;
        _random = new Random(options.Seed);
        _ids = new int[vocabulary];
        _keys = new double[vocabulary];
        _weights = new double[vocabulary];
    }

    /// <summary>The next token; <paramref name="logits"/> has the vocabulary's length.</summary>
    /// <exception cref="RoutingValidationException">A logit is NaN or positive infinity.</exception>
    public int Draw(ReadOnlySpan<float> logits)
    {
        for (int i = 0; i < logits.Length; i++)
        {
            // Negative infinity is a token that cannot be drawn.
            if (!(logits[i] <= float.MaxValue))
            {
                throw new RoutingValidationException($"logits[{i}] is {logits[i]}, a number or negative infinity is needed.");
            }
        }

        if (_options.Temperature == 0)
        {
            return Best(logits);
        }

        for (int i = 0; i < logits.Length; i++)
        {
            _ids[i] = i;
            _keys[i] = logits[i];
        }

        // Falling logits, equal ones by rising id: the order must not depend on how the sort treats equal keys.
        Array.Sort(_ids, (a, b) => _keys[a] != _keys[b] ? _keys[b].CompareTo(_keys[a]) : a.CompareTo(b));
        int count = _options.TopK == 0 ? _ids.Length : Math.Min(_options.TopK, _ids.Length);
        double sum = 0;
        for (int i = 0; i < count; i++)
        {
            _weights[i] = Math.Exp((_keys[_ids[i]] - _keys[_ids[0]]) / _options.Temperature);
            sum += _weights[i];
        }

        return Pick(count, sum);
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

    private static int Best(ReadOnlySpan<float> logits)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            if (logits[i] > logits[best])
            {
                best = i;
            }
        }

        return best;
    }
}
