using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace DynamicMoE.ServiceLoad.Rotation;

/// <summary>The two files of a certificate, which is a new one each time.</summary>
internal sealed class CertificateFiles(string certificate, string key)
{
    public string Certificate => certificate;

    public string Key => key;

    /// <summary>Replaces both files.</summary>
    /// <returns>SHA-256 of the new certificate.</returns>
    public string Renew()
    {
        using var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", pair, HashAlgorithmName.SHA256);
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        Replace(key, pair.ExportPkcs8PrivateKeyPem());
        Replace(certificate, made.ExportCertificatePem());
        return made.GetCertHashString(HashAlgorithmName.SHA256);
    }

    private static void Replace(string path, string text)
    {
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }
}
