namespace DynamicMoE.Hosting;

/// <summary>Whether the service takes requests.</summary>
public enum ServiceState
{
    /// <summary>The model is being loaded; requests are refused.</summary>
    Starting,

    /// <summary>Requests are taken.</summary>
    Running,

    /// <summary>What was accepted is finished; requests are refused.</summary>
    Draining,

    /// <summary>Nothing runs any more.</summary>
    Stopped,

    /// <summary>The model could not be loaded, or the loop ended by an error.</summary>
    Failed,
}
