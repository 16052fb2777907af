using Microsoft.Extensions.Logging;

namespace DynamicMoE.Models;

internal static partial class Log
{
    [LoggerMessage(EventId = 20, Level = LogLevel.Warning,
        Message = "Weighting {Chosen} is not the convention of this {ModelType} checkpoint ({Own}); its experts were trained with the latter.")]
    internal static partial void OtherWeighting(ILogger logger, Weighting chosen, string modelType, Weighting own);

    [LoggerMessage(EventId = 21, Level = LogLevel.Warning,
        Message = "{Record} was recorded with {Differences}: the outputs may differ from the recorded run's.")]
    internal static partial void OtherReplay(ILogger logger, string record, string differences);
}
