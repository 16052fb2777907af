using DynamicMoE.Models;

namespace DynamicMoE.Cli.Sweep.Scores;

/// <summary>A signal by which tokens are given experts.</summary>
internal interface ITokenScore : IDisposable
{
    /// <summary>Name of its rows.</summary>
    string Name { get; }

    /// <summary>Whether a token has a value per further expert (those after the first) instead of one.</summary>
    bool PerExpert => false;

    /// <summary>Writes values of a layer's tokens: the larger, the more a token needs (another) expert.</summary>
    /// <param name="input">The layer.</param>
    /// <param name="values">[out] <c>[Tokens]</c>, or <c>[Tokens, trained experts - 1]</c> per expert.</param>
    void Measure(in RoutedInput input, Span<float> values);

    /// <summary>Makes of a value's rank in the calibration text what the signal says.</summary>
    /// <param name="share">Share of the values that lie below, ties counted half, 0..1.</param>
    float Level(float share) => share;
}
