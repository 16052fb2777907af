namespace DynamicMoE;

/// <summary>Where and how alerts are sent. Checked when the <see cref="MonitoredRouter"/> is built.</summary>
public sealed class WebhookOptions
{
    /// <summary>Receives a POST per alert, JSON in UTF-8. Redirects are not followed.</summary>
    /// <value>An absolute http or https address. Required.</value>
    public Uri? Url { get; set; }

    /// <summary>Key of the signature: <c>webhook-signature: v1,base64(HMAC-SHA256(key, "id.timestamp.body"))</c> beside <c>webhook-id</c> and
    /// <c>webhook-timestamp</c> (seconds since 1970), the scheme of Standard Webhooks. Behind <c>whsec_</c> the key is in base64, else the text's UTF-8 bytes.</summary>
    /// <value>A key of 16 to 1024 bytes. The default is null: not signed.</value>
    public string? Secret { get; set; }

    /// <summary>Longest time of one attempt.</summary>
    /// <value>Between 10 milliseconds and 10 minutes. The default is 10 seconds.</value>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Attempts of one alert. After the last it is lost, counted and logged.</summary>
    /// <value>Between 1 and 20. The default is 5.</value>
    public int MaxAttempts { get; set; } = 5;

    /// <summary>Mean wait before the second attempt. It doubles with each one, with random shares of it so that senders do not come together.</summary>
    /// <value>Between 1 millisecond and 1 hour. The default is 1 second.</value>
    public TimeSpan BackOff { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait between two attempts, also when the receiver asks for more.</summary>
    /// <value>At least <see cref="BackOff"/>, at most 1 day. The default is 1 minute.</value>
    public TimeSpan MaxBackOff { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Alerts that wait to be sent. With more the oldest is dropped and counted.</summary>
    /// <value>Between 1 and 10000. The default is 100.</value>
    public int QueueCapacity { get; set; } = 100;

    /// <summary>How long <see cref="MonitoredRouter.DisposeAsync"/> goes on sending what waits.</summary>
    /// <value>Between 0 and 10 minutes. The default is 5 seconds.</value>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Sends the requests; not owned.</summary>
    /// <value>The default is null: one of the router's own.</value>
    public HttpMessageHandler? Handler { get; set; }

    internal OptionRules Rules(OptionRules rules) => rules
        .Require(Url is { IsAbsoluteUri: true } && (Url.Scheme == Uri.UriSchemeHttps || Url.Scheme == Uri.UriSchemeHttp), $"Webhook.Url must be an absolute http or https address.")
        .Require(Secret is null || WebhookSignature.TryKey(Secret, out byte[] _), $"Webhook.Secret must be a key of 16..1024 bytes, base64 behind whsec_.")
        .Require(Timeout >= TimeSpan.FromMilliseconds(10) && Timeout <= TimeSpan.FromMinutes(10), $"Webhook.Timeout ({Timeout}) is outside 00:00:00.01..00:10:00.")
        .Range("Webhook.MaxAttempts", MaxAttempts, 1, 20)
        .Require(BackOff >= TimeSpan.FromMilliseconds(1) && BackOff <= TimeSpan.FromHours(1), $"Webhook.BackOff ({BackOff}) is outside 00:00:00.001..01:00:00.")
        .Require(MaxBackOff >= BackOff && MaxBackOff <= TimeSpan.FromDays(1), $"Webhook.MaxBackOff ({MaxBackOff}) is outside {BackOff} (BackOff)..1.00:00:00.")
        .Range("Webhook.QueueCapacity", QueueCapacity, 1, 10_000)
        .Require(DrainTimeout >= TimeSpan.Zero && DrainTimeout <= TimeSpan.FromMinutes(10), $"Webhook.DrainTimeout ({DrainTimeout}) is outside 00:00:00..00:10:00.");

    internal WebhookOptions Copy() => (WebhookOptions)MemberwiseClone();
}
