using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Hosting;

/// <summary>The types of settings by name.</summary>
internal static class SettingTypes
{
    private const int MostText = 4096;
    private const NumberStyles Decimal = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    internal static SwitchType Switch { get; } = new();

    internal static TextType Path { get; } = new($"a path of 1..{MostText} characters", text => text.Length is > 0 and <= MostText && !text.Contains('\0', StringComparison.Ordinal));

    /// <summary>Empty is accepted, as the variable's own default is, and means none.</summary>
    internal static TextType Address { get; } = new($"an http or https address of at most {MostText} characters, or empty", IsAddress, WithoutPath);

    /// <summary>A key of a signature. Nothing of it is ever shown. A key in base64 is looked at where it is used.</summary>
    internal static TextType Secret { get; } = new("a text of 16..1024 bytes", text => Encoding.UTF8.GetByteCount(text) is >= 16 and <= 1024, _ => "(hidden)");

    /// <summary>0 is a free port that the system chooses.</summary>
    internal static NumberType<int> Port { get; } = Whole(0, 65535);

    internal static ComputeDeviceType ComputeDevice { get; } = new();

    internal static NetworkAddressType NetworkAddress { get; } = new();

    internal static ChoiceType<LogFormat> LogFormat { get; } = new([.. Enum.GetValues<LogFormat>().Select(value => (Lower(value), value))]);

    internal static ChoiceType<string> Estimator { get; } = new([.. ComplexityEstimators.All.Select(name => (name, name))]);

    internal static ChoiceType<RoutingStrategy> Strategy { get; } =
        new(("top_k", RoutingStrategy.TopK), ("threshold", RoutingStrategy.Threshold), ("top_p", RoutingStrategy.TopP));

    internal static ChoiceType<Weighting> Weighting { get; } = new(
        ("renormalize", DynamicMoE.Weighting.Renormalize), ("trained_scale", DynamicMoE.Weighting.TrainedScale), ("raw", DynamicMoE.Weighting.Raw));

    internal static ChoiceType<WeightFormat> WeightFormat { get; } = new(
        [("f32", DynamicMoE.WeightFormat.Float32), ("bf16", DynamicMoE.WeightFormat.BFloat16), ("q8", DynamicMoE.WeightFormat.Q8), ("q4", DynamicMoE.WeightFormat.Q4)]);

    internal static ChoiceType<LoadBalancingMode> BalancingMode { get; } =
        new(("selection_bias", LoadBalancingMode.SelectionBias), ("weight_penalty", LoadBalancingMode.WeightPenalty));

    internal static ChoiceType<HeadAggregation> HeadAggregation { get; } = new([.. Enum.GetValues<HeadAggregation>().Select(value => (Lower(value), value))]);

    /// <summary>As the native library, which reads the variable too, spells them.</summary>
    internal static ChoiceType<InstructionSet> Isa { get; } = new([.. Enum.GetValues<InstructionSet>().Select(value => (Lower(value), value))]) { Exact = true };

    internal static ChoiceType<SettingsPreset> Preset { get; } = new([.. Enum.GetValues<SettingsPreset>().Select(value => (Lower(value), value))]);

    /// <summary>Python's names, which the variable is documented with, and .NET's.</summary>
    internal static ChoiceType<LogLevel> LogLevel { get; } = new(
        ("trace", Microsoft.Extensions.Logging.LogLevel.Trace),
        ("debug", Microsoft.Extensions.Logging.LogLevel.Debug),
        ("info", Microsoft.Extensions.Logging.LogLevel.Information),
        ("information", Microsoft.Extensions.Logging.LogLevel.Information),
        ("warning", Microsoft.Extensions.Logging.LogLevel.Warning),
        ("error", Microsoft.Extensions.Logging.LogLevel.Error),
        ("critical", Microsoft.Extensions.Logging.LogLevel.Critical),
        ("none", Microsoft.Extensions.Logging.LogLevel.None));

    internal static NumberType<int> Whole(int low, int high) => new(low, high, "a whole number", NumberStyles.AllowLeadingSign);

    internal static NumberType<ulong> Whole(ulong low, ulong high) => new(low, high, "a whole number", NumberStyles.AllowLeadingSign);

    internal static NumberType<double> Real(double low, double high) => new(low, high, "a number", Decimal);

    internal static NumberType<double> Above(double low, double high) =>
        new(low, high, "a number", Decimal, aboveLow: true);

    internal static NumberType<float> Single(float low, float high) =>
        new(low, high, "a number", Decimal);

    internal static NumberType<float> SingleAbove(float low, float high) =>
        new(low, high, "a number", Decimal, aboveLow: true);

    internal static ListType Wholes(int low, int high) => new(64, Whole(low, high));

    internal static OptionalValue<T> Optional<T>(SettingType<T> type)
        where T : struct => new(type);

    internal static OptionalObject<T> OptionalObject<T>(SettingType<T> type)
        where T : class => new(type);

    /// <summary>Scheme and host of an address: what follows may hold a key.</summary>
    internal static string WithoutPath(string address)
    {
        int scheme = address.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0)
        {
            return address.Length == 0 ? "" : "(hidden)";
        }

        int user = address.IndexOf('@', scheme);
        int start = user < 0 ? scheme + 3 : user + 1;
        int end = address.AsSpan(start).IndexOfAny('/', '?', '#');
        return end < 0 && user < 0 ? address : $"{address[..(scheme + 3)]}{address[start..(end < 0 ? address.Length : start + end)]}/(hidden)";
    }

    private static bool IsAddress(string text) => text.Length == 0
        || (text.Length <= MostText && Uri.TryCreate(text, UriKind.Absolute, out Uri? address)
            && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps) && address.Host.Length > 0);

    private static string Lower<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
