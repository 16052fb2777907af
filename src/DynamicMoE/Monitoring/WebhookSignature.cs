using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace DynamicMoE;

/// <summary>Signatures by the scheme of Standard Webhooks.</summary>
internal static class WebhookSignature
{
    private const string Base64Prefix = "whsec_";
    private const int MinKeyBytes = 16;
    private const int MaxKeyBytes = 1024;

    /// <summary>Reads a secret.</summary>
    internal static bool TryKey(string secret, out byte[] key)
    {
        key = Encoding.UTF8.GetBytes(secret);
        if (secret.StartsWith(Base64Prefix, StringComparison.Ordinal))
        {
            var bytes = new byte[secret.Length];
            bool valid = Convert.TryFromBase64String(secret[Base64Prefix.Length..], bytes, out int written);
            key = valid ? bytes[..written] : [];
        }

        return key.Length is >= MinKeyBytes and <= MaxKeyBytes;
    }

    /// <summary>The value of the header <c>webhook-signature</c>.</summary>
    internal static string Of(ReadOnlySpan<byte> key, string id, long unixSeconds, ReadOnlySpan<byte> body)
    {
        byte[] head = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{unixSeconds}."));
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hash.AppendData(head);
        hash.AppendData(body);
        return "v1," + Convert.ToBase64String(hash.GetHashAndReset());
    }
}
