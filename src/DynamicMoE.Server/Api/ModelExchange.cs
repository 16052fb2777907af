namespace DynamicMoE.Server;

/// <summary>What becomes of requests that meet an exchange of the model.</summary>
internal static class ModelExchange
{
    /// <summary>How often a request is made, each time for the model that is served then; each exchange takes the time of a load, so that the second is all but sure.</summary>
    public const int MostAttempts = 3;
}
