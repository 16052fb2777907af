namespace DynamicMoE.Cli.Evaluation;

/// <summary>A loaded model as the evaluation sees it.</summary>
internal interface IEvaluationModel : IDisposable
{
    /// <summary>What the output says about the model.</summary>
    EvaluationModelInfo Info { get; }

    /// <summary>Tokens of a text, in order.</summary>
    int[] Tokenize(string text);

    /// <summary>UTF-8 bytes that the first token of a text stands for; 0 for one that the tokenizer puts in front.</summary>
    /// <param name="tokens">All tokens of the text, at least 1.</param>
    int FirstTokenBytes(ReadOnlySpan<int> tokens);

    /// <summary>Starts a run with routing state of its own; runs do not disturb one another.</summary>
    IEvaluationRun Start(RoutingRule rule);
}

/// <summary>One routing rule over a stream of windows.</summary>
internal interface IEvaluationRun
{
    /// <summary>Runs a window from an empty cache and scores each token but the first by those before it.</summary>
    /// <param name="tokens">At least 2 and at most <see cref="EvaluationModelInfo.Window"/> tokens.</param>
    WindowScore Score(ReadOnlySpan<int> tokens);
}
