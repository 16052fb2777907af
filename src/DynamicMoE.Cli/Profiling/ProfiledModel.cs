using DynamicMoE.Cli.Evaluation;
using DynamicMoE.Cli.Models;
using DynamicMoE.Cli.Text;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Profiling;

/// <summary>What <c>dmoe profile</c> and <c>dmoe compare</c> are asked for.</summary>
/// <param name="Model">Model.</param>
/// <param name="Text">File, or null.</param>
/// <param name="Tokens">Tokens of a batch.</param>
/// <param name="Batches">Batches.</param>
/// <param name="Repetitions">Timed calls or passes.</param>
/// <param name="Limits">Whether the machine's limits are measured.</param>
internal sealed record ProfileRequest(ModelChoice Model, string? Text, int Tokens, int Batches, int Repetitions, bool Limits);

/// <summary>A model with the hidden states of a text, ready to be profiled.</summary>
internal sealed class ProfiledModel : IDisposable
{
    // Enough for the thresholds of any layer; more would only take longer.
    private const int CalibrationTokens = 4096;

    // Bytes of a token at most: what has to be read for so many tokens.
    private const int TokenBytes = 16;

    private ProfiledModel(MoEModel model, ProfileRequest request, EvaluationText text, int[] tokens, CancellationToken cancel)
    {
        int needed = request.Tokens * request.Batches;
        if (tokens.Length < needed)
        {
            throw new ToolException($"{text.Source} has {tokens.Length} tokens, --tokens {request.Tokens} times --batches {request.Batches} needs {needed}");
        }

        Model = model;
        States = HiddenStates.Of(model, tokens, needed, cancel);
        Info = new ProfiledModelInfo(
            request.Model.Name,
            model.Config.ModelType,
            model.MoELayers.Count,
            model.Config.HiddenSize,
            model.Config.Experts.Count,
            model.Config.Experts.PerToken,
            WeightFormats.Name(model.WeightFormat),
            text.Source,
            request.Tokens,
            request.Batches);
    }

    /// <summary>The model.</summary>
    public MoEModel Model { get; }

    /// <summary>What its layers saw.</summary>
    public HiddenStates States { get; }

    /// <summary>What the output says about both.</summary>
    public ProfiledModelInfo Info { get; }

    /// <summary>Loads the model and runs the text.</summary>
    /// <exception cref="ToolException">There is no model or not enough text.</exception>
    public static ProfiledModel Load(ProfileRequest request, CancellationToken cancel)
    {
        MoEModel model = request.Model.Load(Math.Max(512, request.Tokens));
        try
        {
            EvaluationText text = EvaluationText.Load(request.Text, Math.Max(256, request.Tokens * request.Batches * TokenBytes));
            return new ProfiledModel(model, request, text, [.. model.Tokenizer!.Encode(Utf8Text.Decode(text.Scored.Span, text.Source))], cancel);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Calibrates the layers on text that the tool carries: thresholds then hold their budgets from the first batch on.</summary>
    public CalibrationTable Calibrate(CancellationToken cancel)
    {
        ReadOnlyMemory<byte> text = EvaluationText.Embedded()[..EvaluationText.WarmupBytes];
        int[] tokens = [.. Model.Tokenizer!.Encode(Utf8Text.Decode(text.Span, "embedded text"))];
        return Model.Calibrate(tokens.AsSpan(0, Math.Min(tokens.Length, CalibrationTokens)), estimators: [new EstimatorChoice(ComplexityEstimators.RouterMargin)], cancel);
    }

    /// <summary>Measures what the machine does at most, with the threads of a call. It is the processor's, which says nothing of layers on a device.</summary>
    public static MachineLimits? Measure(ProfileRequest request) => request.Limits && request.Model.Device == ComputeDevice.Cpu ? MachineLimits.Measure(request.Model.Threads) : null;

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();
}

/// <summary>The model and the text of a profile.</summary>
/// <param name="Name">Path or built-in name.</param>
/// <param name="Family">model_type of its configuration.</param>
/// <param name="MoeLayers">Layers with experts.</param>
/// <param name="Hidden">Hidden size.</param>
/// <param name="Experts">Routed experts per layer.</param>
/// <param name="TrainedExperts">Experts per token in training.</param>
/// <param name="Format">How experts are kept.</param>
/// <param name="Text">Where the text comes from.</param>
/// <param name="Tokens">Tokens of a batch.</param>
/// <param name="Batches">Batches per layer.</param>
internal sealed record ProfiledModelInfo(
    string Name, string Family, int MoeLayers, int Hidden, int Experts, int TrainedExperts, string Format, string Text, int Tokens, int Batches)
{
    /// <summary>One line for people.</summary>
    public string Line(EvaluationMachineInfo machine) => FormattableString.Invariant(
        $"{Name} ({Family}, {MoeLayers} MoE layers of {Experts} experts, trained top-{TrainedExperts}, {Format}) on {machine.Line()}; {Batches} x {Tokens} tokens of {Text}");
}
