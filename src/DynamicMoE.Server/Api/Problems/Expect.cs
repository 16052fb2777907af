using System.Globalization;
using System.Runtime.CompilerServices;

namespace DynamicMoE.Server;

/// <summary>A message that is put together only where a condition does not hold.</summary>
[InterpolatedStringHandler]
internal ref struct UnlessText
{
    private DefaultInterpolatedStringHandler _text;

    public UnlessText(int literalLength, int formattedCount, bool condition, out bool used)
    {
        used = !condition;
        _text = used ? new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture) : default;
    }

    public void AppendLiteral(string text) => _text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public void AppendFormatted<T>(T value, string? format) => _text.AppendFormatted(value, format);

    public string ToStringAndClear() => _text.ToStringAndClear();
}

/// <summary>Conditions of a request.</summary>
internal static class Expect
{
    /// <summary>A value in its range.</summary>
    public static void Valid(bool condition, string field, [InterpolatedStringHandlerArgument(nameof(condition))] ref UnlessText detail)
    {
        if (!condition)
        {
            throw new ProblemException(Problems.Invalid(field, detail.ToStringAndClear()));
        }
    }

    /// <summary>The same with a message that is there already.</summary>
    public static void Valid(bool condition, string field, string detail)
    {
        if (!condition)
        {
            throw new ProblemException(Problems.Invalid(field, detail));
        }
    }

    /// <summary>A field of a binary body.</summary>
    public static void Binary(bool condition, string field, [InterpolatedStringHandlerArgument(nameof(condition))] ref UnlessText detail)
    {
        if (!condition)
        {
            throw new ProblemException(Problems.MalformedBinary(field, detail.ToStringAndClear()));
        }
    }

    /// <summary>The format of a safetensors body.</summary>
    public static void Safetensors(bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] ref UnlessText detail)
    {
        if (!condition)
        {
            throw new ProblemException(Problems.MalformedSafetensors(detail.ToStringAndClear()));
        }
    }
}
