using System.Net;

namespace DynamicMoE.Hosting;

/// <summary><c>server</c>: where the HTTP service listens and what it takes. Nothing else reads it.</summary>
public sealed class ServerSettings
{
    private readonly SettingValues _values;

    internal ServerSettings(SettingValues values) => _values = values;

    /// <summary><c>port</c>: port of the API and the page.</summary>
    /// <value>Between 0 (a free port) and 65535. The default is 5080.</value>
    public int Port => _values.Get(SettingKeys.Port);

    /// <summary><c>bind</c>: interface of the API and the page. One that is not loopback needs <see cref="SecuritySettings.ApiKeyRequired"/> and
    /// <see cref="SecuritySettings.SslEnabled"/>, unless <see cref="Insecure"/> is true.</summary>
    /// <value>0.0.0.0 and :: are all interfaces. The default is 127.0.0.1.</value>
    public IPAddress Bind => _values.Get(SettingKeys.Bind);

    /// <summary><c>health_bind</c>: interface of the health checks, which speak plain HTTP and ask for no key.</summary>
    /// <value>The default is 127.0.0.1.</value>
    public IPAddress HealthBind => _values.Get(SettingKeys.HealthBind);

    /// <summary><c>metrics_bind</c>: interface of the metrics, which speak plain HTTP and ask for no key.</summary>
    /// <value>The default is 127.0.0.1.</value>
    public IPAddress MetricsBind => _values.Get(SettingKeys.MetricsBind);

    /// <summary><c>insecure</c>: whether <see cref="Bind"/> may be public without key and TLS.</summary>
    /// <value>The default is false.</value>
    public bool Insecure => _values.Get(SettingKeys.Insecure);

    /// <summary><c>max_request_bytes</c>: largest body of a request.</summary>
    /// <value>Between 1024 and 2147483647. The default is 67108864.</value>
    public int MaxRequestBytes => _values.Get(SettingKeys.MaxRequestBytes);

    /// <summary><c>max_header_bytes</c>: all headers of a request together.</summary>
    /// <value>Between 1024 and 1048576. The default is 32768.</value>
    public int MaxHeaderBytes => _values.Get(SettingKeys.MaxHeaderBytes);

    /// <summary><c>max_headers</c>: headers of a request.</summary>
    /// <value>Between 8 and 1000. The default is 100.</value>
    public int MaxHeaders => _values.Get(SettingKeys.MaxHeaders);

    /// <summary><c>max_connections</c>: open connections of one port; further ones are closed.</summary>
    /// <value>Between 1 and 1048576. The default is 1024.</value>
    public int MaxConnections => _values.Get(SettingKeys.MaxConnections);

    /// <summary><c>header_timeout_seconds</c>: how long the headers of a request may take.</summary>
    /// <value>Between 0.1 and 3600. The default is 15.</value>
    public double HeaderTimeoutSeconds => _values.Get(SettingKeys.HeaderTimeoutSeconds);

    /// <summary><c>keep_alive_seconds</c>: how long a connection may be idle.</summary>
    /// <value>Between 0.1 and 86400. The default is 130.</value>
    public double KeepAliveSeconds => _values.Get(SettingKeys.KeepAliveSeconds);

    /// <summary><c>min_body_rate</c>: slowest body that is waited for, and slowest reader of an answer, bytes per second, after 5 seconds of grace.</summary>
    /// <value>Between 0 (any) and 1073741824. The default is 240.</value>
    public int MinBodyRate => _values.Get(SettingKeys.MinBodyRate);

    /// <summary><c>log_format</c>: how the log is written to the console.</summary>
    /// <value>The default is <see cref="LogFormat.Text"/>.</value>
    public LogFormat LogFormat => _values.Get(SettingKeys.LogFormat);
}
