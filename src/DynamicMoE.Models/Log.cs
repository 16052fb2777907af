using Microsoft.Extensions.Logging;

namespace DynamicMoE.Models;

/// <summary>Every message of this package. Event ids are never reused, those of the other packages neither.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 200, Level = LogLevel.Warning,
        Message = "Weighting {Chosen} is not the convention of this {ModelType} checkpoint ({Own}); its experts were trained with the latter.")]
    internal static partial void OtherWeighting(ILogger logger, Weighting chosen, string modelType, Weighting own);

    [LoggerMessage(EventId = 201, Level = LogLevel.Warning,
        Message = "{Record} was recorded with {Differences}: the outputs may differ from the recorded run's.")]
    internal static partial void OtherReplay(ILogger logger, string record, string differences);
}
