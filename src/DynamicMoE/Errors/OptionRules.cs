using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace DynamicMoE;

/// <summary>Collects every broken rule of an options object, so that one exception names them all. Rules that hold allocate nothing.</summary>
internal readonly struct OptionRules
{
    private readonly string _owner;
    private readonly StringBuilder? _errors;

    internal OptionRules(string owner)
        : this(owner, null)
    {
    }

    private OptionRules(string owner, StringBuilder? errors)
    {
        _owner = owner;
        _errors = errors;
    }

    internal OptionRules Range(string name, long value, long minimum, long maximum) =>
        Require(value >= minimum && value <= maximum, $"{name} ({value}) is outside {minimum}..{maximum}.");

    /// <summary>Both ends belong to the range; NaN is outside every range.</summary>
    internal OptionRules Range(string name, double value, double minimum, double maximum) =>
        Require(value >= minimum && value <= maximum, $"{name} ({value}) is outside {minimum}..{maximum}.");

    internal OptionRules Positive(string name, double value) =>
        Require(value > 0 && double.IsFinite(value), $"{name} ({value}) must be finite and above 0.");

    internal OptionRules Defined<TEnum>(string name, TEnum value)
        where TEnum : struct, Enum
    {
        bool defined = Array.IndexOf(Values<TEnum>.All, value) >= 0;
        return defined ? this : Require(false, $"{name} ({value}) is not one of {string.Join(", ", Enum.GetNames<TEnum>())}.");
    }

    internal OptionRules Require(bool holds, [InterpolatedStringHandlerArgument(nameof(holds))] ref Text error)
    {
        if (holds)
        {
            return this;
        }

        StringBuilder errors = _errors ?? new StringBuilder(_owner).Append(':');
        errors.Append(' ').Append(error.Value);
        return new OptionRules(_owner, errors);
    }

    /// <exception cref="RouterConfigurationException">A rule was broken.</exception>
    internal void ThrowIfBroken()
    {
        if (_errors is not null)
        {
            throw new RouterConfigurationException(_errors.ToString());
        }
    }

    /// <summary>The values of an enumeration. The runtime's own list may be collected, and is made again by the call that asks next.</summary>
    private static class Values<TEnum>
        where TEnum : struct, Enum
    {
        internal static readonly TEnum[] All = Enum.GetValues<TEnum>();
    }

    /// <summary>Text of a broken rule; not put together for one that holds.</summary>
    [InterpolatedStringHandler]
    internal readonly ref struct Text
    {
        private readonly StringBuilder? _text;

        public Text(int literalLength, int formattedCount, bool holds, out bool broken)
        {
            broken = !holds;
            _text = holds ? null : new StringBuilder(literalLength + 8 * formattedCount);
        }

        internal StringBuilder? Value => _text;

        public void AppendLiteral(string value) => _text!.Append(value);

        public void AppendFormatted<T>(T value) => _text!.Append(CultureInfo.InvariantCulture, $"{value}");
    }
}
