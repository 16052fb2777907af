using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace DynamicMoE.Server.Tests;

/// <summary>Certificates made for one test.</summary>
internal static class TestCertificates
{
    /// <summary>Writes a self-signed certificate for the loopback address and its key.</summary>
    /// <returns>Its thumbprint, SHA-256.</returns>
    public static string Write(string certificatePath, string keyPath, DateTimeOffset? notAfter = null)
    {
        (string certificate, string key, string thumbprint) = Create(notAfter);
        File.WriteAllText(certificatePath, certificate);
        File.WriteAllText(keyPath, key);
        return thumbprint;
    }

    public static (string Certificate, string Key, string Thumbprint) Create(DateTimeOffset? notAfter = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset end = notAfter ?? TimeProvider.System.GetUtcNow().AddDays(30);
        using X509Certificate2 certificate = request.CreateSelfSigned(end.AddDays(-60), end);
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem(), certificate.GetCertHashString(HashAlgorithmName.SHA256));
    }
}
