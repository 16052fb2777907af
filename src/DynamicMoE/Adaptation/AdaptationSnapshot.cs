using System.Text.Json;
using System.Text.Json.Serialization;

namespace DynamicMoE;

/// <summary>State of a <see cref="BudgetArbiter"/> and of the controllers of its layers, to be kept and restored. Floor and ceilings are not
/// part of it: the guardrail, the latency controller and the service that set them measure anew.</summary>
/// <param name="MinExperts">Fewest experts of a token.</param>
/// <param name="MaxExperts">Most experts of a token.</param>
/// <param name="Budget">Mean experts per token over all layers.</param>
/// <param name="Adaptation">What UpdateThresholds proposed.</param>
/// <param name="Scaling">What the autoscaler proposed.</param>
/// <param name="Layers">The layers' controllers; null where a layer has none.</param>
public sealed record AdaptationSnapshot(
    int MinExperts,
    int MaxExperts,
    double Budget,
    double Adaptation,
    double Scaling,
    IReadOnlyList<ThresholdControllerSnapshot?> Layers)
{
    /// <summary>Writes the state as JSON.</summary>
    /// <returns>The text.</returns>
    public string ToJson() => JsonSerializer.Serialize(this, AdaptationJson.Default.AdaptationSnapshot);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <param name="json">The text.</param>
    /// <returns>The state; <see cref="BudgetArbiter.Restore"/> checks its values.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="json"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">The text is not such a state.</exception>
    public static AdaptationSnapshot FromJson(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        try
        {
            return JsonSerializer.Deserialize(json, AdaptationJson.Default.AdaptationSnapshot)
                ?? throw new RouterConfigurationException("The text is no adaptation state: it is null.");
        }
        catch (JsonException error)
        {
            throw new RouterConfigurationException($"The text is no adaptation state: {error.Message}", error);
        }
    }
}

/// <summary>Readers and writers without reflection.</summary>
[JsonSourceGenerationOptions(UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(AdaptationSnapshot))]
internal sealed partial class AdaptationJson : JsonSerializerContext;
