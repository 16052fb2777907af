using System.Globalization;

namespace DynamicMoE;

/// <summary>Names the weights that a calibration or a record of routing belongs to: 128 bits, written as 32 hexadecimal digits.</summary>
/// <remarks>It finds mix-ups, not forgery.</remarks>
/// <param name="Value">The bits.</param>
public readonly record struct ModelHash(UInt128 Value)
{
    /// <summary>Hexadecimal digits of the text form.</summary>
    public const int Digits = 32;

    /// <summary>Reads the text form.</summary>
    /// <param name="text">Exactly 32 hexadecimal digits.</param>
    /// <param name="hash">[out] The hash; zero when the text is not one.</param>
    /// <returns>Whether the text is one.</returns>
    public static bool TryParse(string? text, out ModelHash hash)
    {
        UInt128 value = 0;
        bool valid = text?.Length == Digits && UInt128.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
        hash = new ModelHash(value);
        return valid;
    }

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("x32", CultureInfo.InvariantCulture);
}
