namespace DynamicMoE.Hosting;

/// <summary><c>security</c>: what the HTTP service asks of its callers. Nothing else reads it.</summary>
public sealed class SecuritySettings
{
    private readonly SettingValues _values;

    internal SecuritySettings(SettingValues values) => _values = values;

    /// <summary><c>api_key_required</c>: whether a request needs a key.</summary>
    /// <value>The default is false.</value>
    public bool ApiKeyRequired => _values.Get(SettingKeys.ApiKeyRequired);

    /// <summary><c>ssl_enabled</c>: whether the service speaks TLS.</summary>
    /// <value>The default is false.</value>
    public bool SslEnabled => _values.Get(SettingKeys.SslEnabled);

    /// <summary><c>rate_limit</c>: requests of a caller per hour.</summary>
    /// <value>Between 1 and 2147483647. The default is 1000.</value>
    public int RateLimit => _values.Get(SettingKeys.RateLimit);
}
