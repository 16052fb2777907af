using static TorchSharp.torch;

namespace TinyMoE.Training;

/// <summary>Held-out bits per byte of one static rule, with its difference to the trained rule on the same windows.</summary>
/// <param name="ExpertsPerToken">The static number of experts.</param>
/// <param name="Weights">renormalize or trained_scale.</param>
/// <param name="BitsPerByte">Mean over all predicted bytes.</param>
/// <param name="StandardError">Of the mean, over windows.</param>
/// <param name="Difference">Bits per byte above the trained rule.</param>
/// <param name="DifferenceStandardError">Of the mean difference, paired over windows.</param>
internal sealed record CurvePoint(
    int ExpertsPerToken, string Weights, double BitsPerByte, double StandardError, double Difference, double DifferenceStandardError);

/// <summary>Measures a decoder on windows of held-out text.</summary>
internal sealed class Evaluation
{
    private const int Batch = 8;
    private readonly Decoder _decoder;
    private readonly ReadOnlyMemory<byte> _text;

    /// <param name="decoder">The model.</param>
    /// <param name="text">Held-out text.</param>
    /// <param name="windowLimit">At most so many windows, spread evenly over the text; null takes all.</param>
    public Evaluation(Decoder decoder, ReadOnlyMemory<byte> text, int? windowLimit = null)
    {
        _decoder = decoder;
        _text = text;
        // A window predicts the bytes that follow each of its own, so the windows of a text overlap in no prediction.
        var all = (text.Length - 1) / decoder.Shape.MaxPositions;
        Windows = Math.Min(all, windowLimit ?? all);
        Stride = all / Math.Max(1, Windows) * decoder.Shape.MaxPositions;
        if (Windows < 2)
            throw new ArgumentException($"A text of {text.Length} bytes has fewer than two windows of {decoder.Shape.MaxPositions}.", nameof(text));
    }

    public int Windows { get; }

    private int Stride { get; }

    /// <summary>The static rules top-1 to top-4 under both weight conventions; where both are the same, once.</summary>
    public List<CurvePoint> Curve(TextWriter log)
    {
        var trained = _decoder.Shape.ExpertsPerToken;
        var baseline = BitsPerWindow(new RoutingRule(trained, WeightRule.Renormalize));
        var points = new List<CurvePoint>();
        for (var experts = 1; experts <= 4; experts++)
        {
            WeightRule[] rules = experts == trained ? [WeightRule.Renormalize] : [WeightRule.Renormalize, WeightRule.TrainedScale];
            foreach (var weights in rules)
            {
                var bits = experts == trained ? baseline : BitsPerWindow(new RoutingRule(experts, weights));
                var difference = bits.Zip(baseline, (here, there) => here - there).ToArray();
                var point = new CurvePoint(experts, Name(weights), bits.Average(), StandardError(bits), difference.Average(), StandardError(difference));
                log.WriteLine(Describe(point));
                points.Add(point);
            }
        }
        return points;
    }

    public static string Describe(CurvePoint point) =>
        $"top-{point.ExpertsPerToken} {point.Weights,-13}  {point.BitsPerByte:F4} bits per byte  "
        + $"difference {point.Difference:+0.0000;-0.0000;0.0000} +- {point.DifferenceStandardError:F4}";

    private static string Name(WeightRule rule) => rule == WeightRule.Renormalize ? "renormalize" : "trained_scale";

    private double[] BitsPerWindow(RoutingRule rule)
    {
        using var ungraded = no_grad();
        var length = _decoder.Shape.MaxPositions;
        var bits = new List<double>(Windows);
        for (var first = 0; first < Windows; first += Batch)
        {
            using var scope = NewDisposeScope();
            var count = Math.Min(Batch, Windows - first);
            var starts = Enumerable.Range(first, count).Select(window => window * Stride).ToArray();
            var logits = _decoder.Forward(Gather(starts, 0), rule);
            var losses = nn.functional.cross_entropy(logits, Gather(starts, 1).flatten(), reduction: nn.Reduction.None);
            bits.AddRange(losses.reshape(count, length).to(float64).mean([1L]).data<double>().Select(nats => nats / Math.Log(2)));
        }
        return [.. bits];
    }

    private Tensor Gather(int[] starts, int shift)
    {
        var length = _decoder.Shape.MaxPositions;
        var bytes = starts.SelectMany(start => _text.Slice(start + shift, length).ToArray()).Select(value => (long)value).ToArray();
        return tensor(bytes).reshape(starts.Length, length);
    }

    private static double StandardError(double[] values)
    {
        var mean = values.Average();
        var variance = values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1);
        return Math.Sqrt(variance / values.Length);
    }
}
