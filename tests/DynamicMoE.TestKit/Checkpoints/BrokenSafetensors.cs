using System.Text;

namespace DynamicMoE.TestKit.Checkpoints;

/// <summary>Files that a safetensors reader must refuse, each wrong in one way.</summary>
public static class BrokenSafetensors
{
    private const string Good = """{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}""";

    /// <summary>Names of all broken files.</summary>
    public static IReadOnlyList<string> Names => [.. Cases.Keys];

    private static Dictionary<string, Func<byte[]>> Cases { get; } = new()
    {
        ["empty_file"] = () => [],
        ["seven_bytes"] = () => new byte[7],
        ["header_length_zero"] = () => RawSafetensors.Compose(0, "", []),
        ["header_length_beyond_file"] = () => RawSafetensors.Compose(1000, Good, new byte[16]),
        ["header_length_maximum"] = () => RawSafetensors.Compose(ulong.MaxValue, Good, new byte[16]),
        ["header_length_above_100_mb"] = () => RawSafetensors.Compose(100_000_001, Good, new byte[16]),
        ["header_cut"] = () => RawSafetensors.Compose(20, Good[..20], []),
        ["header_not_json"] = () => File("not json", 16),
        ["header_is_array"] = () => File("[1,2]", 16),
        ["header_invalid_utf8"] = () => Raw([0x7B, 0x22, 0xFF, 0xFE, 0x22, 0x3A, 0x31, 0x7D], 0),
        ["header_deeply_nested"] = () => File(new string('[', 5000) + new string(']', 5000), 0),
        ["data_truncated"] = () => File(Good, 15),
        ["data_oversized"] = () => File(Good, 32),
        ["offsets_overlap"] = () => File(Two("[0,16]", "[8,24]"), 24),
        ["offsets_leave_a_hole"] = () => File(Two("[0,16]", "[24,40]"), 40),
        ["offsets_reversed"] = () => File(One("F32", "[2,2]", "[16,0]"), 16),
        ["offsets_negative"] = () => File(One("F32", "[2,2]", "[-16,0]"), 16),
        ["offsets_beyond_int64"] = () => File(One("F32", "[2,2]", "[0,99999999999999999999]"), 16),
        ["offsets_one_number"] = () => File(One("F32", "[2,2]", "[0]"), 16),
        ["offsets_missing"] = () => File("""{"a":{"dtype":"F32","shape":[2,2]}}""", 16),
        ["shape_negative"] = () => File(One("F32", "[-2,-2]", "[0,16]"), 16),
        ["shape_overflows"] = () => File(One("F32", "[4294967296,4294967296,2]", "[0,16]"), 16),
        ["shape_does_not_fit_bytes"] = () => File(One("F32", "[2,3]", "[0,16]"), 16),
        ["shape_of_rank_17"] = () => File(One("F32", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,4]", "[0,16]"), 16),
        ["offsets_three_numbers"] = () => File(One("F32", "[2,2]", "[0,16,16]"), 16),
        ["shape_fraction"] = () => File(One("F32", "[2.5,2]", "[0,16]"), 16),
        ["shape_missing"] = () => File("""{"a":{"dtype":"F32","data_offsets":[0,16]}}""", 16),
        ["dtype_unknown"] = () => File(One("F33", "[2,2]", "[0,16]"), 16),
        ["dtype_number"] = () => File("""{"a":{"dtype":32,"shape":[2,2],"data_offsets":[0,16]}}""", 16),
        ["dtype_missing"] = () => File("""{"a":{"shape":[2,2],"data_offsets":[0,16]}}""", 16),
        ["name_twice"] = () => File(
            """{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"a":{"dtype":"F32","shape":[4],"data_offsets":[16,32]}}""", 32),
        ["tensor_is_number"] = () => File("""{"a":1}""", 16),
    };

    /// <summary>The bytes of a broken file.</summary>
    /// <exception cref="KeyNotFoundException">The name is not one of <see cref="Names"/>.</exception>
    public static byte[] Create(string name) => Cases[name]();

    private static string One(string dtype, string shape, string offsets) =>
        "{" + Tensor("a", dtype, shape, offsets) + "}";

    private static string Two(string first, string second) =>
        "{" + Tensor("a", "F32", "[4]", first) + "," + Tensor("b", "F32", "[4]", second) + "}";

    private static string Tensor(string name, string dtype, string shape, string offsets) =>
        $"\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":{offsets}}}";

    private static byte[] File(string header, int dataBytes) =>
        RawSafetensors.Compose((ulong)Encoding.UTF8.GetByteCount(header), header, new byte[dataBytes]);

    private static byte[] Raw(byte[] header, int dataBytes)
    {
        byte[] file = RawSafetensors.Compose((ulong)header.Length, "", new byte[header.Length + dataBytes]);
        header.CopyTo(file, 8);
        return file;
    }
}
