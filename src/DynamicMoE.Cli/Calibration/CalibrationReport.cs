using System.Globalization;
using DynamicMoE.Cli.Terminal;

namespace DynamicMoE.Cli.Calibration;

/// <summary>What a calibration found out.</summary>
internal sealed record CalibrationReport
{
    /// <summary>Path of the file.</summary>
    public required string File { get; init; }

    /// <summary>Hash of the model that it is bound to.</summary>
    public required string ModelHash { get; init; }

    /// <summary>Tokens behind it.</summary>
    public required long Tokens { get; init; }

    /// <summary>Bytes of text that they were.</summary>
    public required long TextBytes { get; init; }

    /// <summary>Estimators whose raw values it holds.</summary>
    public required IReadOnlyList<string> Estimators { get; init; }

    /// <summary>The layers.</summary>
    public required IReadOnlyList<CalibratedLayer> Layers { get; init; }

    /// <summary>Makes a report.</summary>
    /// <param name="table">The calibration.</param>
    /// <param name="file">Where it was written.</param>
    /// <param name="textBytes">Bytes of text behind it.</param>
    /// <param name="share">Budget of the thresholds, as a share of the most experts per token.</param>
    public static CalibrationReport Of(CalibrationTable table, string file, long textBytes, double share) => new()
    {
        File = file,
        ModelHash = table.Model.ToString(),
        Tokens = table.Layers[0].Tokens,
        TextBytes = textBytes,
        Estimators = [.. table.Layers[0].Scores.Select(scores => scores.Estimator).Distinct()],
        Layers = [.. table.Layers.Select(layer => new CalibratedLayer
        {
            Layer = layer.Layer,
            MeanExperts = Math.Max(1, share * layer.MaxExperts),
            Tau = layer.TauFor(share * layer.MaxExperts, 1, layer.MaxExperts),
            Sensitivity = layer.Sensitivity,
        })],
    };

    /// <summary>Writes it for people.</summary>
    public void WriteTo(ToolConsole console)
    {
        console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{File}: model {ModelHash}, {Tokens} tokens of {TextBytes} bytes"));
        console.Out.WriteLine($"values of {string.Join(", ", Estimators)}");
        foreach (CalibratedLayer layer in Layers)
        {
            console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"layer {layer.Layer}: threshold {layer.Tau:F4} for {layer.MeanExperts:0.##} experts per token")
                + (layer.Sensitivity is { } loss ? string.Create(CultureInfo.InvariantCulture, $", {loss:F5} nats per token lost with one expert") : ""));
        }
    }
}

/// <summary>One calibrated layer.</summary>
internal sealed record CalibratedLayer
{
    /// <summary>Index of the decoder layer.</summary>
    public required int Layer { get; init; }

    /// <summary>Mean experts per token of the default budget.</summary>
    public required double MeanExperts { get; init; }

    /// <summary>Threshold that gives it on the calibration's text.</summary>
    public required double Tau { get; init; }

    /// <summary>Nats per token that the model loses when this layer alone has one expert; null = not measured.</summary>
    public required double? Sensitivity { get; init; }
}
