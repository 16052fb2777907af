using Microsoft.ML.Tokenizers;

namespace DynamicMoE.Models;

/// <summary>Reads normalizer of a tokenizer.json: none, or NFC.</summary>
internal static class NormalizerReader
{
    public static Normalizer? Read(ConfigReader tokenizer)
    {
        if (tokenizer.Object("normalizer") is not { } root)
        {
            return null;
        }

        IReadOnlyList<ConfigReader> parts = root.Text("type") == "Sequence" ? root.Objects("normalizers") : [root];
        foreach (ConfigReader part in parts)
        {
            if (part.Text("type") != "NFC")
            {
                throw part.Refuse("type", "only NFC, or no normalizer, is supported.");
            }
        }

        return parts.Count > 0 ? new ComposedForm(tokenizer.File) : null;
    }
}
