using System.Security.Cryptography;
using System.Text;

namespace DynamicMoE.Cli.Corpus;

/// <summary>
/// The prose of the .NET SDK's reference documentation, split by file into training and held-out text. A file name occurs once, a
/// paragraph occurs once, and no held-out paragraph occurs in training.
/// </summary>
public sealed class SdkCorpus
{
    private const int HeldOutBelow = 20;

    private SdkCorpus(string? sdkVersion, string[] packs, CorpusPart training, CorpusPart heldOut)
    {
        SdkVersion = sdkVersion;
        Packs = packs;
        Training = training;
        HeldOut = heldOut;
    }

    /// <summary>The highest SDK version of the dotnet root; null when it holds packs but no SDK.</summary>
    public string? SdkVersion { get; }

    /// <summary>The packs that were read, as <c>name/version</c>.</summary>
    public IReadOnlyList<string> Packs { get; }

    /// <summary>The files whose name hashes into the training share.</summary>
    public CorpusPart Training { get; }

    /// <summary>All other files, without the paragraphs that training holds.</summary>
    public CorpusPart HeldOut { get; }

    /// <summary>Lower-case hexadecimal SHA-256 of the training bytes followed by the held-out bytes.</summary>
    public string Sha256
    {
        get
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            hash.AppendData(Training.Bytes.Span);
            hash.AppendData(HeldOut.Bytes.Span);
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
    }

    /// <summary>Reads the corpus of an installed SDK.</summary>
    /// <param name="dotnetRoot">The folder that holds <c>packs</c>; null looks for it (<see cref="DotnetRoot.Find"/>).</param>
    /// <returns>The corpus, or null when there is no SDK or its packs hold no reference documentation.</returns>
    /// <exception cref="InvalidDataException">A documentation file is not well-formed XML.</exception>
    public static SdkCorpus? TryLoad(string? dotnetRoot = null)
    {
        dotnetRoot ??= DotnetRoot.Find();
        if (dotnetRoot is null || !Directory.Exists(Path.Combine(dotnetRoot, "packs")))
            return null;

        var packs = NewestPacks(Path.Combine(dotnetRoot, "packs"));
        var files = FilesByName(packs);
        if (files.Count == 0)
            return null;

        var seen = new HashSet<string>(StringComparer.Ordinal);
        var training = CorpusPart.Read(files.Where(file => !IsHeldOut(file.Key)), seen);
        var heldOut = CorpusPart.Read(files.Where(file => IsHeldOut(file.Key)), seen);
        var names = packs.Select(pack => $"{Path.GetFileName(Path.GetDirectoryName(pack))}/{Path.GetFileName(pack)}");
        return new SdkCorpus(DotnetRoot.SdkVersion(dotnetRoot), [.. names], training, heldOut);
    }

    /// <summary>Whether a documentation file is held out of training. It depends on the name alone, so it is the same for every SDK.</summary>
    public static bool IsHeldOut(string fileName) => SHA256.HashData(Encoding.UTF8.GetBytes(fileName))[0] < HeldOutBelow;

    /// <summary>One folder per pack: several versions of a pack would bring the same paragraphs with small differences.</summary>
    private static List<string> NewestPacks(string packs) =>
        [.. Directory.EnumerateDirectories(packs)
            .Order(StringComparer.Ordinal)
            .Select(pack => Directory.EnumerateDirectories(pack)
                .Where(version => Directory.Exists(Path.Combine(version, "ref")))
                .OrderByDescending(version => DotnetRoot.ParseVersion(Path.GetFileName(version)))
                .ThenByDescending(version => version, StringComparer.Ordinal)
                .FirstOrDefault())
            .OfType<string>()];

    private static SortedDictionary<string, string> FilesByName(List<string> packs)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var pack in packs)
        {
            var paths = Directory.EnumerateFiles(Path.Combine(pack, "ref"), "*.xml", SearchOption.AllDirectories);
            foreach (var path in paths.Order(StringComparer.Ordinal))
                files.TryAdd(Path.GetFileName(path), path);
        }
        return files;
    }
}
