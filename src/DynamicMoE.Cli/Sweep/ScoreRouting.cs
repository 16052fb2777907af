using DynamicMoE.Cli.Sweep.Scores;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Sweep;

/// <summary>
/// Gives tokens experts by a signal at a mean per layer. Ranks come from the calibration text, the threshold on them from the same online
/// controller that the product's default has, so that rows differ by the signal alone.
/// </summary>
/// <remarks>
/// A signal per expert keeps expert j while its rank is above the threshold. One per token gives k = round(1 + (trained - 1) * rank + offset),
/// the count of the product's score-driven routing, with the threshold in the offset's place; of two experts that is the same.
/// </remarks>
internal sealed class ScoreRouting : IRoutingAdvisor
{
    private readonly ITokenScore _score;
    private readonly RankTable[] _tables;
    private readonly ThresholdController[] _controllers;
    private readonly int _trained;
    private readonly int _columns;
    private readonly RoutingContext _context = new();
    private float[] _values = [];
    private float[] _gaps = [];
    private int[] _counts = [];

    /// <summary>Starts with thresholds that know nothing; the calibration text teaches them.</summary>
    /// <param name="score">The signal.</param>
    /// <param name="tables">Its values on the calibration text, by layer.</param>
    /// <param name="trained">Most experts of a token.</param>
    /// <param name="budget">Mean experts per token and layer.</param>
    public ScoreRouting(ITokenScore score, RankTable[] tables, int trained, double budget)
    {
        _score = score;
        _tables = tables;
        _trained = trained;
        _columns = Columns(score, trained);
        _controllers = [.. tables.Select(_ => new ThresholdController(new ThresholdControllerOptions { Budget = budget, MaxExperts = trained }))];
    }

    /// <summary>Values of a token.</summary>
    public static int Columns(ITokenScore score, int trained) => score.PerExpert ? trained - 1 : 1;

    /// <inheritdoc/>
    public RoutingContext? Advise(in RoutedInput input)
    {
        Resize(input.Tokens);
        _score.Measure(in input, _values);
        ThresholdController controller = _controllers[input.Index];
        double widest = -Math.Log(controller.Tau);
        for (int token = 0; token < input.Tokens; token++)
        {
            Span<float> gaps = _gaps.AsSpan(token * _trained, _trained);
            Fill(gaps, _tables[input.Index], _values.AsSpan(token * _columns, _columns));
            int count = 1;
            while (count < _trained && gaps[count] <= widest)
            {
                count++;
            }

            _counts[token] = count;
        }

        // As in the product, a batch moves the threshold of later batches only.
        controller.Observe(_gaps, input.Tokens, _trained, _counts);
        _context.ExpertCounts = _counts;
        return _context;
    }

    // Gaps between 0.5 and 2 lie where the controller's histogram resolves a 32nd of an octave.
    private void Fill(Span<float> gaps, RankTable table, ReadOnlySpan<float> values)
    {
        gaps[0] = 0;
        float level = _score.PerExpert ? 0 : _score.Level(table.Share(values[0]));
        for (int expert = 1; expert < gaps.Length; expert++)
        {
            gaps[expert] = _score.PerExpert
                ? 1.5f - _score.Level(table.Share(values[expert - 1]))
                : 1 + ((expert - 0.5f) / (_trained - 1)) - level;
        }
    }

    private void Resize(int tokens)
    {
        if (_counts.Length != tokens)
        {
            _counts = new int[tokens];
            _values = new float[tokens * _columns];
            _gaps = new float[tokens * _trained];
        }
    }
}
