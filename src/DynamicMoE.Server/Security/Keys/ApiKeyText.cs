using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace DynamicMoE.Server;

/// <summary>Makes keys, hashes them and writes lines of their file.</summary>
/// <remarks>A key holds 256 random bits, so that one round of SHA-256 without a salt cannot be undone: there is no list of likely keys to try. Keys that people
/// choose would need a slow hash, and are not taken: the file holds hashes only.</remarks>
public static class ApiKeyText
{
    private const string Prefix = "dmoe_";
    private const int RandomBytes = 32;

    /// <summary>Makes a key.</summary>
    /// <returns><c>dmoe_</c> and 43 characters of the URL-safe base64 alphabet.</returns>
    public static string Create()
    {
        Span<byte> random = stackalloc byte[RandomBytes];
        RandomNumberGenerator.Fill(random);
        return Prefix + Base64Url.EncodeToString(random);
    }

    /// <summary>The line of a keys file that admits a key.</summary>
    /// <param name="name">1..64 characters of letters, digits, dot, dash and underscore.</param>
    /// <param name="key">The key.</param>
    /// <param name="admin">Whether it may change the service.</param>
    /// <param name="hourlyLimit">Requests in any hour, 0 = no limit; null: what <c>security.rate_limit</c> says.</param>
    /// <returns>One line.</returns>
    /// <exception cref="ArgumentException">The name is not of that form.</exception>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The limit is below 0.</exception>
    public static string Line(string name, string key, bool admin = false, int? hourlyLimit = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(key);
        if (hourlyLimit is < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(hourlyLimit), hourlyLimit, "A limit is 0 or more.");
        }

        return ApiKeyFile.IsName(name)
            ? ApiKeyFile.Line(new ApiKey(name, Hash(key), admin, hourlyLimit))
            : throw new ArgumentException("A name has 1..64 letters, digits, dots, dashes and underscores.", nameof(name));
    }

    internal static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
