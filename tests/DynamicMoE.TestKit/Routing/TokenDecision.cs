using DynamicMoE.TestKit.Numerics;

namespace DynamicMoE.TestKit.Routing;

/// <summary>The decision for one token: gate, score, count, selection, weights.</summary>
internal sealed class TokenDecision
{
    private readonly double[] _logits;
    private readonly int _token;
    private readonly GateRules _gate;
    private readonly RouteRules _rules;
    private readonly double[] _p;
    private readonly double[] _q;
    private readonly DecisionSlack _slack = new();

    public TokenDecision(ReadOnlySpan<double> logits, int token, GateRules gate, RouteRules rules)
    {
        _logits = logits.ToArray();
        _token = token;
        _gate = gate;
        _rules = rules;
        _p = gate.Gate == ReferenceGate.Softmax
            ? ReferenceMath.Softmax(logits)
            : Array.ConvertAll(_logits, ReferenceMath.Sigmoid);
        _q = Preferences();
    }

    private bool Biased => _rules.SelectionBias is not null;

    /// <summary>Decides and stores everything for the token.</summary>
    public void WriteTo(ReferenceRoutes routes)
    {
        int[] order = Order();
        if (order.Length < _rules.MinExperts)
        {
            throw new ReferenceFaultException(ReferenceFault.Balance, _token);
        }

        double score = Score();
        int limit = Math.Min(Count(score), order.Length);
        double[] gaps = Array.ConvertAll(order, e => Gap(order[0], e));
        int taken = Taken(order, gaps, limit);
        RecordOrder(order, Math.Max(taken, Math.Min(_gate.TrainedExperts, order.Length)));

        routes.Preference[_token] = order;
        routes.Ids[_token] = order[..taken];
        routes.Weights[_token] = ReferenceWeights.Of(order[..taken], StaticSelection(order), _logits, _p, _gate, _rules.Weighting);
        routes.Scores[_token] = score;
        routes.Gaps[_token] = [.. gaps, .. Enumerable.Repeat(double.PositiveInfinity, _gate.Experts - gaps.Length)];
        routes.Slack[_token] = _slack.Smallest;
    }

    /// <summary>What the static rule of training picks.</summary>
    private int[] StaticSelection(int[] order) => order[..Math.Min(_gate.TrainedExperts, order.Length)];

    // q = p + bias, -inf where masked or outside the kept groups. Without a bias the logits order the experts
    // exactly as p does, and without its rounding; so they stand in for p.
    private double[] Preferences()
    {
        var q = new double[_gate.Experts];
        for (int e = 0; e < q.Length; e++)
        {
            q[e] = _rules.Usable?[e] == false
                ? double.NegativeInfinity
                : Biased ? _p[e] + _rules.SelectionBias![e] : _logits[e];
        }

        if (_gate.TopGroups < _gate.Groups)
        {
            KeepBestGroups(q);
        }

        return q;
    }

    private void KeepBestGroups(double[] q)
    {
        int size = _gate.Experts / _gate.Groups;
        var scores = new double[_gate.Groups];
        for (int g = 0; g < scores.Length; g++)
        {
            scores[g] = GroupScore(q, g * size, size);
        }

        int[] ranked = [.. Enumerable.Range(0, _gate.Groups).OrderByDescending(g => scores[g]).ThenBy(g => g)];
        double last = scores[ranked[_gate.TopGroups - 1]], first = scores[ranked[_gate.TopGroups]];
        if (double.IsFinite(last) && double.IsFinite(first))
        {
            if (Biased || _gate.GroupScore == ReferenceGroupScore.Top2Sum)
            {
                _slack.Probability(last, first);
            }
            else
            {
                _slack.Compare(last, first);
            }
        }

        foreach (int g in ranked[_gate.TopGroups..])
        {
            Array.Fill(q, double.NegativeInfinity, g * size, size);
        }
    }

    private double GroupScore(double[] q, int start, int size)
    {
        int[] usable = [.. Enumerable.Range(start, size).Where(e => !double.IsNegativeInfinity(q[e]))];
        if (usable.Length == 0)
        {
            return double.NegativeInfinity;
        }

        return _gate.GroupScore == ReferenceGroupScore.Max
            ? usable.Max(e => q[e])
            : usable.Select(e => _p[e] + (_rules.SelectionBias?[e] ?? 0)).OrderDescending().Take(2).Sum();
    }

    private int[] Order() =>
        [.. Enumerable.Range(0, _gate.Experts)
            .Where(e => !double.IsNegativeInfinity(_q[e]))
            .OrderByDescending(e => _q[e])
            .ThenBy(e => e)];

    private double Score()
    {
        switch (_rules.Score)
        {
            case ReferenceScore.Supplied:
                return _rules.Scores![_token];
            case ReferenceScore.RouterMargin:
                int[] best = [.. Enumerable.Range(0, _p.Length).OrderByDescending(e => _logits[e]).Take(2)];
                return best.Length < 2 ? 0 : Math.Exp(-Gap(best[0], best[1]));
            case ReferenceScore.RouterEntropy:
                double sum = _p.Sum();
                return _p.Length < 2 || sum == 0
                    ? 0
                    : ReferenceMath.Entropy(Array.ConvertAll(_p, p => p / sum)) / Math.Log(_p.Length);
            default:
                return 0.5;
        }
    }

    private int Count(double score)
    {
        int min = _rules.MinExperts, max = _rules.MaxExperts;
        if (_rules.Strategy != ReferenceStrategy.TopK)
        {
            return max;
        }

        if (_rules.Counts is { } counts)
        {
            return Math.Clamp(counts[_token], min, max);
        }

        double value = min + ((max - min) * score) + _rules.CountOffset;
        if (max > min && value > min && value < max)
        {
            _slack.Rounding(value, max - min, _rules.Score is ReferenceScore.Half or ReferenceScore.Supplied);
        }

        return (int)Math.Clamp(Math.Round(value, MidpointRounding.ToEven), min, max);
    }

    // Distance from the first choice in logits; sigmoid gates: -ln(p(i)/p(1)).
    private double Gap(int first, int expert) => _gate.Gate == ReferenceGate.Softmax
        ? _logits[first] - _logits[expert]
        : ReferenceMath.LogSigmoid(_logits[first]) - ReferenceMath.LogSigmoid(_logits[expert]);

    private int Taken(int[] order, double[] gaps, int limit)
    {
        double tau = _rules.TokenTaus?[_token] ?? _rules.Tau;
        double total = _p.Sum(), mass = 0;
        for (int i = 0; i < limit; i++)
        {
            if (i >= _rules.MinExperts)
            {
                if (_rules.Strategy == ReferenceStrategy.Threshold && Stops(order, gaps, i, -Math.Log(tau)))
                {
                    return i;
                }

                if (_rules.Strategy == ReferenceStrategy.TopP && Reached(mass, total))
                {
                    return i;
                }
            }

            mass += _p[order[i]];
        }

        return limit;
    }

    private bool Stops(int[] order, double[] gaps, int i, double limit)
    {
        double magnitude = Math.Abs(_logits[order[0]]) + Math.Abs(_logits[order[i]]);
        bool exactTie = limit == 0 && gaps[i] == 0;
        if (!exactTie)
        {
            _slack.Threshold(gaps[i], limit, Math.Max(magnitude, 1));
        }

        return gaps[i] > limit;
    }

    private bool Reached(double mass, double total)
    {
        _slack.Probability(total > 0 ? mass / total : 0, _rules.TopP);
        return mass >= _rules.TopP * total;
    }

    // Each neighbouring pair of the used prefix, and the first one that is left out.
    private void RecordOrder(int[] order, int used)
    {
        for (int i = 0; i < used && i + 1 < order.Length; i++)
        {
            double a = _q[order[i]], b = _q[order[i + 1]];
            if (Biased)
            {
                _slack.Probability(a, b, Math.Abs(a));
            }
            else
            {
                _slack.Compare(a, b);
            }
        }
    }
}
