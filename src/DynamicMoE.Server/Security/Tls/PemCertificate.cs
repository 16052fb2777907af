using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace DynamicMoE.Server;

/// <summary>A certificate, its private key and those between it and the root, from PEM.</summary>
internal sealed class PemCertificate
{
    private static readonly List<SslApplicationProtocol> s_protocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];

    private PemCertificate(X509Certificate2 certificate, X509Certificate2Collection others)
    {
        NotAfter = certificate.NotAfter.ToUniversalTime();
        Thumbprint = certificate.GetCertHashString(HashAlgorithmName.SHA256);
        Options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(certificate, others, offline: true),
            ApplicationProtocols = s_protocols,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        };
    }

    /// <summary>What a handshake uses.</summary>
    public SslServerAuthenticationOptions Options { get; }

    /// <summary>End of validity, UTC.</summary>
    public DateTime NotAfter { get; }

    /// <summary>SHA-256 of the certificate, hexadecimal.</summary>
    public string Thumbprint { get; }

    /// <summary>Reads both files.</summary>
    /// <exception cref="CryptographicException">One of them holds no certificate or key, or they do not belong together.</exception>
    /// <exception cref="ArgumentException">The key is of another kind than the certificate's.</exception>
    public static PemCertificate Read(byte[] certificates, byte[] key)
    {
        string text = Encoding.UTF8.GetString(certificates);
        X509Certificate2 leaf = X509Certificate2.CreateFromPem(text, Encoding.UTF8.GetString(key));
        var others = new X509Certificate2Collection();
        others.ImportFromPem(text);
        // The first is the leaf again.
        others.RemoveAt(0);
        return new PemCertificate(leaf, others);
    }
}
