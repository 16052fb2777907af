namespace DynamicMoE.Hosting;

/// <summary>How the HTTP service writes its log to the console.</summary>
public enum LogFormat
{
    /// <summary>Lines for people.</summary>
    Text = 0,

    /// <summary>One JSON object per line.</summary>
    Json = 1,
}
