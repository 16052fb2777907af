using System.Globalization;

namespace DynamicMoE.Server;

/// <summary>Headers of answers.</summary>
internal static class ReplyHeaders
{
    /// <summary>Mean experts per token of this answer.</summary>
    public const string MeanExperts = "DynamicMoE-Mean-Experts";

    /// <summary>Tokens of the batch that this request was part of.</summary>
    public const string BatchTokens = "DynamicMoE-Batch-Tokens";

    /// <summary>Most mean experts per token that overload allowed the batch; only there while it does.</summary>
    public const string ExpertsCeiling = "DynamicMoE-Experts-Ceiling";

    public static string Ceiling(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);
}
