using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace DynamicMoE.Hosting;

/// <summary>Reads and shows the values of a kind of setting.</summary>
internal abstract class SettingType<T>
{
    /// <summary>What is accepted; completes "must be".</summary>
    internal abstract string Allowed { get; }

    internal virtual bool IsList => false;

    /// <summary>Whether there is a value that stands for "not set".</summary>
    internal virtual bool MayBeUnset => false;

    /// <summary>Reads a value that is there.</summary>
    /// <param name="entry">The value as its source has it.</param>
    /// <param name="value">The value.</param>
    /// <param name="wrong">The element of a list that is refused, or null when the whole is.</param>
    internal abstract bool TryParse(SettingEntry entry, out T value, out SettingElement? wrong);

    internal abstract string Show(T value);
}

/// <summary>A type whose values are single texts.</summary>
internal abstract class ScalarType<T> : SettingType<T>
{
    internal sealed override bool TryParse(SettingEntry entry, out T value, out SettingElement? wrong)
    {
        wrong = null;
        value = default!;
        return entry.Elements is null && TryParse(entry.Text!, entry.Quoted, out value);
    }

    internal abstract bool TryParse(string text, bool quoted, out T value);
}

/// <summary>Numbers from one bound to another.</summary>
/// <param name="low">Least value.</param>
/// <param name="high">Greatest value.</param>
/// <param name="kind">What they are called.</param>
/// <param name="styles">How they are written.</param>
/// <param name="aboveLow">Whether <paramref name="low"/> itself is refused.</param>
internal sealed class NumberType<T>(T low, T high, string kind, NumberStyles styles, bool aboveLow = false) : ScalarType<T>
    where T : struct, System.Numerics.INumber<T>
{
    internal override string Allowed { get; } = aboveLow
        ? $"{kind} above {Text(low)}, at most {Text(high)}"
        : $"{kind} in {Text(low)}..{Text(high)}";

    internal override bool TryParse(string text, bool quoted, out T value) =>
        !Read(text, quoted, out value) ? false : value <= high && (aboveLow ? value > low : value >= low);

    internal override string Show(T value) => Text(value);

    // White space around a number does not come out of a file; a variable that has it was set wrongly.
    private bool Read(string text, bool quoted, out T value)
    {
        value = default;
        return !quoted && text.Length is > 0 and <= 64 && T.TryParse(text, styles, CultureInfo.InvariantCulture, out value);
    }

    private static string Text(T value) => value.ToString(null, CultureInfo.InvariantCulture);
}

/// <summary>true and false.</summary>
internal sealed class SwitchType : ScalarType<bool>
{
    internal override string Allowed => "true or false";

    internal override bool TryParse(string text, bool quoted, out bool value)
    {
        value = text.Equals("true", StringComparison.OrdinalIgnoreCase);
        return !quoted && (value || text.Equals("false", StringComparison.OrdinalIgnoreCase));
    }

    internal override string Show(bool value) => value ? "true" : "false";
}

/// <summary>Names that stand for values; the first name of a value is the one that is shown.</summary>
internal sealed class ChoiceType<T>(params (string Name, T Value)[] choices) : ScalarType<T>
{
    /// <summary>Whether upper and lower case differ.</summary>
    internal bool Exact { get; init; }

    internal override string Allowed { get; } = $"one of {string.Join(", ", choices.DistinctBy(choice => choice.Value).Select(choice => choice.Name))}";

    internal override bool TryParse(string text, bool quoted, out T value)
    {
        foreach ((string name, T candidate) in choices)
        {
            if (text.Equals(name, Exact ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase))
            {
                value = candidate;
                return true;
            }
        }

        value = default!;
        return false;
    }

    internal override string Show(T value) => choices.First(choice => EqualityComparer<T>.Default.Equals(choice.Value, value)).Name;
}

/// <summary>Text that a rule accepts.</summary>
internal sealed class TextType(string allowed, Func<string, bool> accepts, Func<string, string>? show = null) : ScalarType<string>
{
    internal override string Allowed => allowed;

    internal override bool TryParse(string text, bool quoted, out string value)
    {
        value = text;
        return accepts(text);
    }

    internal override string Show(string value) => show is null ? value : show(value);
}

/// <summary>Addresses of network interfaces, in their usual notation.</summary>
internal sealed class NetworkAddressType : ScalarType<IPAddress>
{
    internal override string Allowed => "an IP address";

    // IPAddress takes 1 for 0.0.0.1; four parts are asked for, so that a slip does not become an address.
    internal override bool TryParse(string text, bool quoted, out IPAddress value)
    {
        bool good = IPAddress.TryParse(text, out IPAddress? parsed) && (parsed.AddressFamily == AddressFamily.InterNetworkV6 || parsed.ToString() == text);
        value = good ? parsed! : IPAddress.None;
        return good;
    }

    internal override string Show(IPAddress value) => value.ToString();
}

/// <summary>Where a layer computes.</summary>
internal sealed class ComputeDeviceType : ScalarType<ComputeDevice>
{
    internal override string Allowed => "auto, cpu, cuda or cuda:N";

    internal override bool TryParse(string text, bool quoted, out ComputeDevice value) => ComputeDevice.TryParse(text, out value);

    internal override string Show(ComputeDevice value) => value.ToString();
}

/// <summary>Whole numbers, as a YAML list or separated by commas.</summary>
internal sealed class ListType(int most, NumberType<int> element) : SettingType<IReadOnlyList<int>>
{
    internal override string Allowed { get; } = string.Create(CultureInfo.InvariantCulture, $"1..{most} numbers, each {element.Allowed}");

    internal override bool IsList => true;

    internal override bool TryParse(SettingEntry entry, out IReadOnlyList<int> value, out SettingElement? wrong)
    {
        value = [];
        wrong = null;
        IReadOnlyList<SettingElement> elements = entry.Elements
            ?? [.. entry.Text!.Split(',').Select(text => new SettingElement(text.Trim(), entry.Source, entry.Quoted))];
        if (elements.Count == 0 || elements.Count > most)
        {
            return false;
        }

        var numbers = new int[elements.Count];
        for (int i = 0; i < numbers.Length; i++)
        {
            if (!element.TryParse(elements[i].Text, elements[i].Quoted, out numbers[i]))
            {
                wrong = elements[i];
                return false;
            }
        }

        value = Array.AsReadOnly(numbers);
        return true;
    }

    internal override string Show(IReadOnlyList<int> value) => $"[{string.Join(", ", value.Select(number => number.ToString(CultureInfo.InvariantCulture)))}]";
}

/// <summary>A value that may be left open.</summary>
internal sealed class OptionalValue<T>(SettingType<T> type) : SettingType<T?>
    where T : struct
{
    internal override string Allowed => $"{type.Allowed}, or null";

    internal override bool MayBeUnset => true;

    internal override bool TryParse(SettingEntry entry, out T? value, out SettingElement? wrong)
    {
        bool good = type.TryParse(entry, out T parsed, out wrong);
        value = parsed;
        return good;
    }

    internal override string Show(T? value) => type.Show(value!.Value);
}

/// <summary>A text or list that may be left open.</summary>
internal sealed class OptionalObject<T>(SettingType<T> type) : SettingType<T?>
    where T : class
{
    internal override string Allowed => $"{type.Allowed}, or null";

    internal override bool IsList => type.IsList;

    internal override bool MayBeUnset => true;

    internal override bool TryParse(SettingEntry entry, [NotNullWhen(true)] out T? value, out SettingElement? wrong)
    {
        bool good = type.TryParse(entry, out T parsed, out wrong);
        value = parsed;
        return good;
    }

    internal override string Show(T? value) => type.Show(value!);
}
