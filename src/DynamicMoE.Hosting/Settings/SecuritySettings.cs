namespace DynamicMoE.Hosting;

/// <summary><c>security</c>: what the HTTP service asks of its callers. Nothing else reads it.</summary>
public sealed class SecuritySettings
{
    private readonly SettingValues _values;

    internal SecuritySettings(SettingValues values) => _values = values;

    /// <summary><c>api_key_required</c>: whether a request needs a key. Then <see cref="ApiKeysFile"/> is needed too.</summary>
    /// <value>The default is false.</value>
    public bool ApiKeyRequired => _values.Get(SettingKeys.ApiKeyRequired);

    /// <summary><c>api_keys_file</c>: names, hashes, roles and limits of the keys. A change is taken while the service runs.</summary>
    /// <value>A path; the default, null, is no keys.</value>
    public string? ApiKeysFile => _values.Get(SettingKeys.ApiKeysFile);

    /// <summary><c>local_admin</c>: whether, where no key is required, a caller on the same machine may use endpoints that change the service. Behind a proxy it is to be false, or keys
    /// are to be required: a proxy that adds no header makes callers from anywhere look local.</summary>
    /// <value>The default is true.</value>
    public bool LocalAdmin => _values.Get(SettingKeys.LocalAdmin);

    /// <summary><c>ssl_enabled</c>: whether the API speaks TLS. Then <see cref="SslCertFile"/> and <see cref="SslKeyFile"/> are needed too.</summary>
    /// <value>The default is false.</value>
    public bool SslEnabled => _values.Get(SettingKeys.SslEnabled);

    /// <summary><c>ssl_cert_file</c>: the certificate and those between it and the root, PEM. A change is taken while the service runs.</summary>
    /// <value>A path; the default is null.</value>
    public string? SslCertFile => _values.Get(SettingKeys.SslCertFile);

    /// <summary><c>ssl_key_file</c>: the certificate's private key, PEM, not encrypted.</summary>
    /// <value>A path; the default is null.</value>
    public string? SslKeyFile => _values.Get(SettingKeys.SslKeyFile);

    /// <summary><c>rate_limit</c>: requests of a key, or of an address without one, in any hour. A key's own limit comes before it.</summary>
    /// <value>Between 0 (no limit) and 2147483647. The default is 1000.</value>
    public int RateLimit => _values.Get(SettingKeys.RateLimit);

    /// <summary><c>rate_limit_loopback</c>: whether the limit holds for requests of this machine without a key too.</summary>
    /// <value>The default is false.</value>
    public bool RateLimitLoopback => _values.Get(SettingKeys.RateLimitLoopback);
}
