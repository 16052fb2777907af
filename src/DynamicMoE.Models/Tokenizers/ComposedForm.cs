using System.Globalization;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace DynamicMoE.Models;

/// <summary>Unicode's composed form, NFC. In a process without globalization data, where .NET returns every text as it is, text that is
/// certainly composed passes, and other text is refused rather than split wrongly.</summary>
/// <param name="file">The tokenizer's file, for messages.</param>
internal sealed class ComposedForm(string file) : Normalizer
{
    // Characters beside combining marks that NFC may replace, from NFC_Quick_Check of the Unicode data; some ranges are taken whole.
    private static readonly (int First, int Last)[] Replaced =
    [
        (0x0374, 0x0374), (0x037E, 0x037E), (0x0387, 0x0387), (0x0958, 0x095F), (0x09DC, 0x09DF), (0x0A33, 0x0A36), (0x0A59, 0x0A5E),
        (0x0B5C, 0x0B5D), (0x0F43, 0x0FB9), (0x1100, 0x11FF), (0x1F71, 0x1FFD), (0x2000, 0x2001), (0x2126, 0x2126), (0x212A, 0x212B),
        (0x2329, 0x232A), (0x2ADC, 0x2ADC), (0xF900, 0xFAFF), (0xFB1D, 0xFB4E), (0x1D15E, 0x1D1C0), (0x2F800, 0x2FA1F),
    ];

    private static readonly bool Works = "e\u0301".Normalize(NormalizationForm.FormC) == "\u00E9";

    public override string Normalize(string original) =>
        Works ? original.Normalize(NormalizationForm.FormC)
        : IsCertainlyComposed(original) ? original
        : throw new ModelConfigurationException(
            file, "normalizer", "NFC of this text needs globalization data, which this process runs without (System.Globalization.Invariant).");

    public override string Normalize(ReadOnlySpan<char> original) => Normalize(original.ToString());

    /// <summary>Whether NFC leaves the text as it is; false where that is not certain.</summary>
    internal static bool IsCertainlyComposed(string text)
    {
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.Value >= 0x0300 && MayChange(rune))
            {
                return false;
            }
        }

        return true;
    }

    private static bool MayChange(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark
        || Array.Exists(Replaced, range => rune.Value >= range.First && rune.Value <= range.Last);
}
