using System.Threading.Channels;
using DynamicMoE.Hosting.Queueing;
using DynamicMoE.Models;

namespace DynamicMoE.Hosting.Generation;

/// <summary>A sequence that is generated, from its acceptance to its last token.</summary>
internal sealed class Sequence : WorkItem
{
    private readonly Channel<GenerationUpdate> _updates = Channel.CreateUnbounded<GenerationUpdate>(
        new UnboundedChannelOptions { SingleReader = true, SingleWriter = false });

    private readonly int[] _next = new int[1];
    private int _fed;
    private bool _reserved;

    public required GenerationRequest Request { get; init; }

    public required int[] Prompt { get; init; }

    /// <summary>Tokens to generate at most, with the prompt within the positions of the model.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Where the memory of its session is reserved while it is accepted.</summary>
    public required SequenceMemory Memory { get; init; }

    /// <summary>Positions of its session.</summary>
    public int SessionPositions => Memory.SessionPositions(Model.Model!.Config, Prompt.Length + MaxTokens);

    public required Models.TokenSampler Sampler { get; init; }

    /// <summary>Makes text of tokens; null where the model has no tokenizer.</summary>
    public required AnswerText? Text { get; init; }

    /// <summary>Its keys and values, from its first batch on.</summary>
    public MoESession? Session { get; set; }

    /// <summary>Tokens generated so far.</summary>
    public int Generated { get; private set; }

    /// <summary>The ceiling of the last batch, for the update.</summary>
    public double? Ceiling { get; set; }

    /// <summary>Tokens in the session after the last step that was taken in full.</summary>
    public int Position { get; private set; }

    /// <summary>Whether the prompt is only in part in the session.</summary>
    public bool IsPrefill => _fed < Prompt.Length;

    private long Bytes => SessionPositions * SequenceMemory.PerPosition(Model.Model!.Config);

    /// <summary>Reserves its memory, which <see cref="Release"/> frees; false when it is not to be had, and nothing is to be freed but the model.</summary>
    public bool TryReserve() => _reserved = Memory.TryReserve(Bytes);

    /// <inheritdoc/>
    public override void Release()
    {
        if (_reserved)
        {
            Memory.Free(Bytes);
        }

        base.Release();
    }

    public ChannelReader<GenerationUpdate> Updates => _updates.Reader;

    /// <summary>Tokens for the next batch.</summary>
    /// <param name="most">Of a prompt, at most so many.</param>
    public ReadOnlyMemory<int> Next(int most) => IsPrefill ? Prompt.AsMemory(_fed, Math.Min(most, Prompt.Length - _fed)) : _next;

    /// <summary>The tokens of <see cref="Next"/> are in the session.</summary>
    public void Fed(int tokens)
    {
        Position += tokens;
        if (IsPrefill)
        {
            _fed += tokens;
        }
    }

    /// <summary>Takes the next token from the logits and tells the caller.</summary>
    /// <param name="logits">Behind the last position.</param>
    /// <param name="experts">Mean experts of that position.</param>
    /// <returns>Whether the sequence goes on.</returns>
    public bool Advance(ReadOnlySpan<float> logits, float experts)
    {
        int token = Sampler.Next(logits);
        bool end = Model.Model!.Config.EndOfText.Contains(token);
        Generated += end ? 0 : 1;
        (string text, bool stopped) = end ? (Text?.Flush() ?? "", true) : Text?.Push(token) ?? ("", false);
        bool full = Generated == MaxTokens;
        if (!stopped && full)
        {
            (string rest, stopped) = Text?.End() ?? ("", false);
            text += rest;
        }

        FinishReason? reason = stopped ? FinishReason.Stop : full ? FinishReason.Length : null;
        _next[0] = token;
        Write(new GenerationUpdate(end ? -1 : token, text, end ? float.NaN : experts, reason));
        if (reason is null)
        {
            return true;
        }

        EndDelivery();
        _ = _updates.Writer.TryComplete();
        return false;
    }

    protected override void OnFailed(Exception error) => _updates.Writer.TryComplete(error);

    protected override void OnCancelled(CancellationToken token) => _updates.Writer.TryComplete(new OperationCanceledException(token));

    private void Write(GenerationUpdate update) =>
        _ = _updates.Writer.TryWrite(update with { PromptTokens = Prompt.Length, ExpertsCeiling = Ceiling });
}
