using System.Text.RegularExpressions;
using DynamicMoE.Architecture.Tests.Sources;

namespace DynamicMoE.Architecture.Tests;

/// <summary>include &lt;- core &lt;- ops &lt;- engine &lt;- cuda &lt;- abi, and no operation knows another.</summary>
public partial class NativeIncludeTests
{
    private static readonly string[] Layers = ["include", "core", "ops", "engine", "cuda", "abi"];

    /// <summary>Places that the compiler searches, after the folder of the including file.</summary>
    private static readonly string[] SearchFolders = ["native/include", "native/src", "native/cuda", Tests];

    /// <summary>Where kernels compiled for the simulator find its language.</summary>
    private const string Tests = "tests/native";

    /// <summary>What each folder of the CUDA backend may include beside its own files.</summary>
    private static readonly (string Folder, string[] MayInclude)[] Backend =
    [
        ("native/cuda/kernels/", ["native/include/", "native/src/core/rules", "native/src/core/simd_math.inl", Tests + "/cuda/sim/"]),
        ("native/cuda/driver/", ["native/include/", "native/src/core/"]),
        ("native/cuda/host/", ["native/include/", "native/src/core/", "native/src/engine/", "native/cuda/driver/", "native/cuda/kernels/"]),
    ];

    /// <summary>
    /// What a file compiled for one instruction set may take from the system: types, intrinsics and C functions. A header
    /// with inline functions or templates would leave a copy built with that instruction set for other files to link to.
    /// </summary>
    private static readonly HashSet<string> IsaHeaders = ["stdint.h", "stddef.h", "string.h", "cstdint", "cstddef", "immintrin.h", "arm_neon.h", "type_traits"];

    private static readonly IReadOnlyList<string> Sources =
        [.. Repository.Files("native/src", ".h", ".hpp", ".cpp", ".inl", ".inc"), .. Repository.Files("native/cuda", ".hpp", ".cpp", ".cu")];

    [Fact]
    public void Includes_WhenProjectFiles_PointDownTheLayers() =>
        Rule.HasNoBreach(from file in Sources
                         from target in ProjectIncludes(file)
                         where !target.StartsWith(Tests, StringComparison.Ordinal) && Layer(target) > Layer(file)
                         select $"{file} includes {target}");

    [Fact]
    public void Includes_WhenInAnOperation_NameNoOtherOperation() =>
        Rule.HasNoBreach(from file in Sources
                         from target in ProjectIncludes(file)
                         where Operation(file) is { } op && Operation(target) is { } other && op != other
                         select $"{file} includes {target}");

    [Fact]
    public void Includes_WhenQuoted_AreFound() =>
        Rule.HasNoBreach(from file in Sources
                         from include in Includes(file)
                         where include.Quoted && Resolve(file, include.Name) is null
                         select $"{file} includes {include.Name}");

    [Fact]
    public void Includes_WhenOfTheBackend_KeepToTheirRooms() =>
        Rule.HasNoBreach(from room in Backend
                         from file in Sources
                         where file.StartsWith(room.Folder, StringComparison.Ordinal)
                         from target in ProjectIncludes(file)
                         where !room.MayInclude.Append(room.Folder).Any(start => target.StartsWith(start, StringComparison.Ordinal))
                         select $"{file} includes {target}");

    [Fact]
    public void Includes_WhenOfTheExports_TakeDevicesAndHostCodeOfTheBackendOnly() =>
        Rule.HasNoBreach(from file in Sources
                         where file.StartsWith("native/src/abi/", StringComparison.Ordinal)
                         from target in ProjectIncludes(file)
                         where target.StartsWith("native/cuda/", StringComparison.Ordinal)
                             && !target.StartsWith("native/cuda/host/", StringComparison.Ordinal) && target != "native/cuda/driver/devices.hpp"
                         select $"{file} includes {target}");

    [Fact]
    public void Includes_WhenFileIsForOneInstructionSet_TakeNoSystemHeaderWithCode() =>
        Rule.HasNoBreach(from file in Sources
                         where IsaFile().IsMatch(file)
                         from reached in Reachable(file)
                         from include in Includes(reached)
                         where Resolve(reached, include.Name) is null && !IsaHeaders.Contains(include.Name)
                         select $"{file} takes <{include.Name}> through {reached}");

    [Fact]
    public void PublicHeader_WhenRead_IncludesOnlyStdint() =>
        Assert.Equal(["stdint.h"], Repository.Files("native/include", ".h", ".hpp").SelectMany(Includes).Select(i => i.Name));

    [Fact]
    public void Operations_WhenListed_KeepTheirContractAndScalarSource() =>
        Rule.HasNoBreach(from folder in Sources.Select(Operation).OfType<string>().Distinct()
                         from name in new[] { $"native/src/ops/{folder}/{folder}.hpp", $"native/src/ops/{folder}/{folder}_scalar.cpp" }
                         where !Repository.Exists(name)
                         select $"missing {name}");

    private static int Layer(string path)
    {
        string[] parts = path.Split('/');
        string name = parts[1] is "include" or "cuda" ? parts[1] : parts[2];
        int layer = Array.IndexOf(Layers, name);
        return layer >= 0 ? layer : throw new InvalidOperationException($"{path} is in no layer");
    }

    private static string? Operation(string path) =>
        path.Split('/') is ["native", "src", "ops", var operation, _, ..] ? operation : null;

    private static IEnumerable<string> ProjectIncludes(string file) =>
        Includes(file).Select(include => Resolve(file, include.Name)).OfType<string>();

    private static HashSet<string> Reachable(string file)
    {
        HashSet<string> seen = [file];
        var open = new Queue<string>(seen);
        while (open.TryDequeue(out string? next))
        {
            foreach (string target in ProjectIncludes(next).Where(seen.Add))
                open.Enqueue(target);
        }

        return seen;
    }

    private static string? Resolve(string file, string include) =>
        SearchFolders.Prepend(file[..file.LastIndexOf('/')])
            .Select(folder => Normalise($"{folder}/{include}"))
            .FirstOrDefault(Repository.Exists);

    private static string Normalise(string path) =>
        Path.GetRelativePath(Repository.Root, Path.GetFullPath(Path.Combine(Repository.Root, path))).Replace('\\', '/');

    private static IEnumerable<(string Name, bool Quoted)> Includes(string file) =>
        IncludeLine().Matches(Repository.Read(file)).Select(m => (m.Groups[2].Value, m.Groups[1].Value == "\""));

    [GeneratedRegex(@"^[ \t]*#[ \t]*include[ \t]+([""<])([^"">]+)["">]", RegexOptions.Multiline)]
    private static partial Regex IncludeLine();

    [GeneratedRegex(@"_(avx2|avx512\w*|neon)\.(cpp|hpp|inl)$")]
    private static partial Regex IsaFile();
}
