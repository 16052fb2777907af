using System.Text.Json;

namespace DynamicMoE.Models;

/// <summary>How JSON files of a checkpoint are parsed: no comments, no trailing commas, no name twice, at most 32 levels.</summary>
internal static class StrictJson
{
    public static JsonDocumentOptions Options => new() { AllowDuplicateProperties = false, MaxDepth = 32 };
}
