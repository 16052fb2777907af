namespace DynamicMoE.Server;

/// <summary>A key as its file has it.</summary>
/// <param name="Name">What logs and limits know it by.</param>
/// <param name="Hash">SHA-256 of the key's UTF-8 bytes.</param>
/// <param name="IsAdmin">Whether it may change the service.</param>
/// <param name="HourlyLimit">Requests in any hour, 0 = no limit; null: what the settings say.</param>
internal sealed record ApiKey(string Name, byte[] Hash, bool IsAdmin, int? HourlyLimit);
