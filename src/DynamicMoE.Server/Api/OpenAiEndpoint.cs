namespace DynamicMoE.Server;

/// <summary>Metadata of endpoints in OpenAI's shape: their problem documents have the member <c>error</c> too.</summary>
internal sealed class OpenAiEndpoint
{
    public static OpenAiEndpoint Instance { get; } = new();
}
