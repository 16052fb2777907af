namespace DynamicMoE.Models;

/// <summary>Loss of a model on windows of text, under whatever routes its session.</summary>
internal sealed class ModelLoss
{
    private const int MostWindow = 512, MostLogits = 1 << 22;

    private readonly MoESession _session;
    private readonly int _vocabulary;
    private readonly float[] _logits;

    public ModelLoss(MoEModel model, IRoutingSource source)
    {
        _session = model.CreateSession(Math.Min(MostWindow, model.Config.MaxPositions));
        _session.RouteBy(source);
        _vocabulary = model.Config.VocabularySize;
        _logits = new float[Math.Clamp(MostLogits / _vocabulary, 1, _session.MaxPositions) * _vocabulary];
    }

    /// <summary>Mean of -ln p of every token but the first of each window of at most 512 tokens.</summary>
    public double Nats(ReadOnlySpan<int> tokens, CancellationToken cancel)
    {
        double sum = 0;
        int scored = 0, batch = _logits.Length / _vocabulary;
        for (int start = 0; start < tokens.Length; start += _session.MaxPositions)
        {
            ReadOnlySpan<int> window = tokens.Slice(start, Math.Min(_session.MaxPositions, tokens.Length - start));
            _session.Reset();
            for (int done = 0; done + 1 < window.Length; done += batch)
            {
                cancel.ThrowIfCancellationRequested();
                int count = Math.Min(batch, window.Length - 1 - done);
                Span<float> logits = _logits.AsSpan(0, count * _vocabulary);
                _ = _session.Forward(window.Slice(done, count), logits);
                for (int i = 0; i < count; i++, scored++)
                {
                    sum += TokenLoss.Nats(logits.Slice(i * _vocabulary, _vocabulary), window[done + i + 1]);
                }
            }
        }

        return sum / scored;
    }
}
