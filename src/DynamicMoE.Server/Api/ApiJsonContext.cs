using System.Text.Json;
using System.Text.Json.Serialization;
using DynamicMoE.Hosting;

namespace DynamicMoE.Server;

/// <summary>How answers that are no tensors are written.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    GenerationMode = JsonSourceGenerationMode.Metadata,
    Converters = [
        typeof(FiniteOrNull), typeof(SnakeCase<ServiceState>), typeof(SnakeCase<CircuitBreakerState>), typeof(SnakeCase<CacheState>),
        typeof(SnakeCase<FinishReason>)
    ])]
[JsonSerializable(typeof(ServiceStats))]
[JsonSerializable(typeof(ModelDocument))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(FeedbackAnswer))]
[JsonSerializable(typeof(FrozenAnswer))]
[JsonSerializable(typeof(CacheAnswer))]
[JsonSerializable(typeof(ReloadAnswer))]
[JsonSerializable(typeof(ConfigAnswer))]
[JsonSerializable(typeof(CompletionDocument))]
[JsonSerializable(typeof(ChatDocument))]
[JsonSerializable(typeof(ChatChunk))]
internal sealed partial class ApiJsonContext : JsonSerializerContext
{
}

/// <summary>Numbers that are not finite become null, which JSON has.</summary>
internal sealed class FiniteOrNull : JsonConverter<double>
{
    public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Null ? double.NaN : reader.GetDouble();

    public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
    {
        if (double.IsFinite(value))
        {
            writer.WriteNumberValue(value);
        }
        else
        {
            writer.WriteNullValue();
        }
    }
}

/// <summary>Names of an enumeration as words with underscores.</summary>
internal sealed class SnakeCase<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
