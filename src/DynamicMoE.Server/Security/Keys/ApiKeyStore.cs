using System.Security.Cryptography;
using DynamicMoE.Hosting;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Server;

/// <summary>The keys that are valid at this moment. Their file is read again when it changes; a file that cannot be used leaves them as they are.</summary>
internal sealed class ApiKeyStore : IDisposable
{
    private readonly PolledFiles? _files;
    private IReadOnlyList<ApiKey> _keys = [];

    /// <exception cref="SettingsException">The file cannot be used.</exception>
    public ApiKeyStore(SecuritySettings settings, TimeProvider time, ILogger logger, ServerInstruments instruments)
    {
        if (settings.ApiKeysFile is not { } path)
        {
            return;
        }

        try
        {
            _files = new PolledFiles([path], Take, error => Tell(error, path, logger, instruments), time);
        }
        catch (Exception error) when (PolledFiles.IsContent(error))
        {
            throw new SettingsException($"security.api_keys_file '{path}' cannot be used: {error.Message}", error);
        }

        HostLog.KeysRead(logger, _keys.Count, path);
    }

    /// <summary>Whether keys are kept at all; else what callers send as one is not looked at.</summary>
    public bool HasFile => _files is not null;

    /// <summary>The entry of a key, or null. Takes the same time wherever the entry stands.</summary>
    public ApiKey? Find(string key)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        if (key.Length > MostKey || !TryHash(key, hash))
        {
            return null;
        }

        ApiKey? found = null;
        foreach (ApiKey candidate in Volatile.Read(ref _keys))
        {
            found = CryptographicOperations.FixedTimeEquals(hash, candidate.Hash) ? candidate : found;
        }

        return found;
    }

    /// <summary>Looks at the file now.</summary>
    public void Refresh() => _files?.Refresh();

    public void Dispose() => _files?.Dispose();

    private const int MostKey = 256;

    private static bool TryHash(string key, Span<byte> hash)
    {
        Span<byte> bytes = stackalloc byte[3 * MostKey];
        return System.Text.Encoding.UTF8.TryGetBytes(key, bytes, out int count) && SHA256.TryHashData(bytes[..count], hash, out _);
    }

    private static void Tell(Exception? error, string path, ILogger logger, ServerInstruments instruments)
    {
        instruments.Reloaded("keys", error is null);
        if (error is null)
        {
            HostLog.KeysTaken(logger, path);
        }
        else
        {
            HostLog.KeysRefused(logger, path, error.Message);
        }
    }

    // A file that is being written anew is empty for a moment; nobody takes all keys away that way.
    private void Take(IReadOnlyList<byte[]> contents)
    {
        IReadOnlyList<ApiKey> keys = ApiKeyFile.Read(contents[0]);
        Volatile.Write(ref _keys, keys.Count > 0 ? keys : throw new FormatException("It holds no key."));
    }
}
