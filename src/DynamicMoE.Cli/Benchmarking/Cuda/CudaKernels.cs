using System.Text.Json;

namespace DynamicMoE.Cli.Benchmarking.Cuda;

/// <summary>
/// What a block of each kernel takes, as ptxas reported it when the kernels were last changed: the committed budget file, which is embedded in the tool.
/// </summary>
internal sealed class CudaKernels
{
    private const string Resource = "cuda-budget.json";

    private readonly Dictionary<string, Dictionary<string, BlockUse>> _uses;

    private CudaKernels(Dictionary<string, Dictionary<string, BlockUse>> uses) => _uses = uses;

    /// <summary>The embedded budget.</summary>
    public static CudaKernels Embedded()
    {
        using Stream stream = typeof(CudaKernels).Assembly.GetManifestResourceStream(Resource)!;
        return Read(stream);
    }

    /// <summary>Reads <c>{"sm_80": {"dmoe_combine": {"threads": 128, "registers": 40, "shared": 0, ...}, ...}, ...}</c>.</summary>
    public static CudaKernels Read(Stream json)
    {
        using var document = JsonDocument.Parse(json);
        return new CudaKernels(document.RootElement.EnumerateObject().ToDictionary(
            architecture => architecture.Name,
            architecture => architecture.Value.EnumerateObject().ToDictionary(kernel => kernel.Name, kernel => Use(kernel.Value), StringComparer.Ordinal),
            StringComparer.Ordinal));
    }

    /// <summary>Blocks of a kernel that a multiprocessor runs at once.</summary>
    public int BlocksAtOnce(string architecture, string entry) => CudaOccupancy.Blocks(architecture, _uses[architecture][entry]);

    /// <summary>Names of the kernels, sorted.</summary>
    public IEnumerable<string> Entries => _uses["sm_80"].Keys.Order(StringComparer.Ordinal);

    /// <summary>What a block of a kernel takes.</summary>
    public BlockUse Use(string architecture, string entry) => _uses[architecture][entry];

    private static BlockUse Use(JsonElement kernel) =>
        new(kernel.GetProperty("threads").GetInt32(), kernel.GetProperty("registers").GetInt32(), kernel.GetProperty("shared").GetInt32());
}
