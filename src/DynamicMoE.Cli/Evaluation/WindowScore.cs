using DynamicMoE.Models;

namespace DynamicMoE.Cli.Evaluation;

/// <summary>What a run over one or more windows of text measured; adds up.</summary>
/// <param name="Nats">Sum of -ln p of the scored tokens.</param>
/// <param name="Report">Figures of the MoE layers.</param>
/// <param name="Seconds">Wall time of the model's passes.</param>
internal readonly record struct WindowScore(double Nats, ForwardReport Report, double Seconds)
{
    /// <summary>The sum of two runs.</summary>
    public static WindowScore operator +(WindowScore a, WindowScore b) =>
        new(a.Nats + b.Nats, a.Report.Add(b.Report), a.Seconds + b.Seconds);
}
