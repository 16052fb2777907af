using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Models;

/// <summary>Runs windows of text through a model, whatever its routing is at the moment.</summary>
internal sealed class WindowScorer
{
    // Logits are kept for a whole pass: with a large vocabulary passes are shorter.
    private const int MostLogits = 1 << 24;

    private readonly MoEModel _model;
    private readonly float[] _logits;

    /// <summary>Makes a scorer.</summary>
    /// <param name="model">The model; not owned.</param>
    /// <param name="window">Tokens of a window, at most.</param>
    public WindowScorer(MoEModel model, int window)
    {
        _model = model;
        Batch = Math.Clamp(MostLogits / model.Config.VocabularySize, 1, window);
        Session = model.CreateSession(window);
        _logits = new float[Batch * model.Config.VocabularySize];
    }

    /// <summary>What the windows run in.</summary>
    public MoESession Session { get; }

    /// <summary>Tokens per pass, at most.</summary>
    public int Batch { get; }

    /// <summary>Runs a window from an empty cache and scores each token but the first by those before it.</summary>
    public WindowScore Score(ReadOnlySpan<int> tokens)
    {
        Session.Reset();
        double nats = 0, seconds = 0;
        int vocabulary = _model.Config.VocabularySize;
        for (int start = 0; start < tokens.Length; start += Batch)
        {
            ReadOnlySpan<int> part = tokens.Slice(start, Math.Min(Batch, tokens.Length - start));
            Span<float> logits = _logits.AsSpan(0, part.Length * vocabulary);
            long begin = TimeProvider.System.GetTimestamp();
            _ = Session.Forward(part, logits);
            seconds += TimeProvider.System.GetElapsedTime(begin).TotalSeconds;
            for (int i = 0; i < part.Length && start + i + 1 < tokens.Length; i++)
            {
                nats += TokenLoss.Nats(logits.Slice(i * vocabulary, vocabulary), tokens[start + i + 1]);
            }
        }

        return new WindowScore(nats, Session.Total, seconds);
    }
}
