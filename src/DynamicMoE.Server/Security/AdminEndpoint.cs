namespace DynamicMoE.Server;

/// <summary>Metadata of endpoints that change the service: they need a key of the role admin, or a caller on this machine where no keys are asked for and
/// <c>security.local_admin</c> is true.</summary>
internal sealed class AdminEndpoint
{
    public static AdminEndpoint Instance { get; } = new();
}
