using System.Runtime.CompilerServices;

namespace DynamicMoE.Models;

/// <content>Generation.</content>
public sealed partial class MoESession
{
    /// <summary>Appends a prompt and generates tokens, each computed when it is asked for.</summary>
    /// <param name="prompt">Ids, at least 1, and no more than fit.</param>
    /// <param name="options">Options; null for the defaults: greedy.</param>
    /// <returns>The new tokens; they are part of the sequence once the next one is asked for.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="prompt"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    /// <exception cref="RoutingValidationException">An id is outside its range, or the prompt is empty or does not fit; raised when the first token is asked for.</exception>
    /// <exception cref="ExpertDispatchException">Finite input overflowed; names layer and position; raised when that token is asked for.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public IEnumerable<int> Generate(IReadOnlyList<int> prompt, GenerationOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return Steps([.. prompt], (options ?? new GenerationOptions()).Validated());
    }

    /// <summary>Like <see cref="Generate"/>, with each token computed on the thread pool.</summary>
    /// <param name="prompt">Ids, at least 1, and no more than fit.</param>
    /// <param name="options">Options; null for the defaults: greedy.</param>
    /// <param name="cancellationToken">Ends the generation between two tokens.</param>
    /// <returns>The new tokens.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="prompt"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    /// <exception cref="RoutingValidationException">An id is outside its range, or the prompt is empty or does not fit; raised when the first token is asked for.</exception>
    /// <exception cref="ExpertDispatchException">Finite input overflowed; names layer and position; raised when that token is asked for.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public IAsyncEnumerable<int> GenerateAsync(
        IReadOnlyList<int> prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        StepsAsync(Generate(prompt, options), cancellationToken);

    /// <summary>Appends a prompt and generates text, piece by piece. A piece ends between characters, so it may cover several tokens.</summary>
    /// <param name="prompt">Text of at least one token.</param>
    /// <param name="options">Options; null for the defaults: greedy.</param>
    /// <param name="cancellationToken">Ends the generation between two tokens.</param>
    /// <returns>The pieces; together they are the new text.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="prompt"/> is null.</exception>
    /// <exception cref="ModelConfigurationException">The model has no tokenizer.</exception>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    /// <exception cref="RoutingValidationException">The prompt is empty or does not fit; raised when the first piece is asked for.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public IAsyncEnumerable<string> GenerateTextAsync(
        string prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ITextTokenizer tokenizer = _model.Tokenizer
            ?? throw new ModelConfigurationException("tokenizer", null, "the model has no tokenizer; generate from token ids.");
        return Pieces(tokenizer, GenerateAsync(tokenizer.Encode(prompt), options, cancellationToken), cancellationToken);
    }

    private IEnumerable<int> Steps(int[] prompt, GenerationOptions options)
    {
        IReadOnlyList<int> stops = options.StopTokens ?? _model.Config.EndOfText;
        var logits = new float[_model.Config.VocabularySize];
        var sampler = new TokenSampler(options);
        int[] next = prompt;
        for (int made = 0; made < options.MaxNewTokens && (made == 0 || Position < MaxPositions); made++)
        {
            _ = ForwardLast(next, logits);
            int token = sampler.Next(logits);
            if (stops.Contains(token))
            {
                yield break;
            }

            yield return token;
            next = [token];
        }
    }

    private static async IAsyncEnumerable<int> StepsAsync(IEnumerable<int> steps, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using IEnumerator<int> enumerator = steps.GetEnumerator();
        while (await Task.Run(enumerator.MoveNext, cancellationToken).ConfigureAwait(false))
        {
            yield return enumerator.Current;
        }
    }

    private static async IAsyncEnumerable<string> Pieces(
        ITextTokenizer tokenizer, IAsyncEnumerable<int> tokens, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var text = new TextAssembler(tokenizer);
        await foreach (int token in tokens.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            if (text.Push(token) is { Length: > 0 } piece)
            {
                yield return piece;
            }
        }

        if (text.Flush() is { Length: > 0 } rest)
        {
            yield return rest;
        }
    }
}
