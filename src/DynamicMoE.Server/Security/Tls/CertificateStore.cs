using System.Net.Security;
using System.Security.Cryptography;
using DynamicMoE.Hosting;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Server;

/// <summary>The certificate that new connections get. Its files are read again when they change; what cannot be used leaves the certificate as it is.
/// Connections that are open keep theirs.</summary>
internal sealed class CertificateStore : IDisposable
{
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly PolledFiles _files;
    private PemCertificate? _current;

    /// <exception cref="SettingsException">The files cannot be used.</exception>
    public CertificateStore(SecuritySettings settings, TimeProvider time, ILogger logger, ServerInstruments instruments)
    {
        (_time, _logger) = (time, logger);
        string certificate = settings.SslCertFile!, key = settings.SslKeyFile!;
        try
        {
            _files = new PolledFiles([certificate, key], Take, error => Tell(error, instruments), time);
        }
        catch (Exception error) when (PolledFiles.IsContent(error))
        {
            throw new SettingsException($"security.ssl_cert_file '{certificate}' with security.ssl_key_file '{key}' cannot be used: {error.Message}", error);
        }

        instruments.WatchCertificate(() => (Current.NotAfter - time.GetUtcNow().UtcDateTime).TotalSeconds);
        if (Current.NotAfter <= time.GetUtcNow().UtcDateTime)
        {
            HostLog.CertificateExpired(logger, certificate, Current.NotAfter);
        }
    }

    /// <summary>What a handshake that begins now uses.</summary>
    public SslServerAuthenticationOptions Options => Current.Options;

    /// <summary>The certificate in force.</summary>
    public PemCertificate Current => Volatile.Read(ref _current)!;

    /// <summary>Looks at the files now.</summary>
    public void Refresh() => _files.Refresh();

    public void Dispose() => _files.Dispose();

    private void Take(IReadOnlyList<byte[]> contents)
    {
        var certificate = PemCertificate.Read(contents[0], contents[1]);
        // At the start there is nothing better than a certificate whose time is over; later there is.
        if (_current is not null && certificate.NotAfter <= _time.GetUtcNow().UtcDateTime)
        {
            throw new CryptographicException($"the certificate's time ended at {certificate.NotAfter:u}");
        }

        Volatile.Write(ref _current, certificate);
    }

    private void Tell(Exception? error, ServerInstruments instruments)
    {
        instruments.Reloaded("certificate", error is null);
        if (error is null)
        {
            HostLog.CertificateTaken(_logger, Current.Thumbprint, Current.NotAfter);
        }
        else
        {
            HostLog.CertificateRefused(_logger, error.Message);
        }
    }
}
