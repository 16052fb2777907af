using System.IO.Hashing;
using System.Text.Json;

namespace DynamicMoE.Models;

/// <summary>What config.json says of a checkpoint, in this library's terms.</summary>
public sealed class ModelConfig
{
    /// <summary>Reads the keys that every family has. What sets a family apart it adds itself.</summary>
    /// <exception cref="ModelConfigurationException">A key is missing or outside its range.</exception>
    internal ModelConfig(ModelFamily family, ConfigReader config, bool[] moeLayers, double normEpsilon)
    {
        Family = family;
        MoELayers = moeLayers;
        VocabularySize = config.Integer("vocab_size", 1, CommonKeys.MaxVocabulary);
        HiddenSize = CommonKeys.Hidden(config);
        MaxPositions = config.Integer("max_position_embeddings", 1, CommonKeys.MaxPositions);
        NormEpsilon = (float)config.Number("rms_norm_eps", 0, 1, normEpsilon);

        // false unless the file says otherwise: every family's configuration class has this default.
        TieWordEmbeddings = config.Boolean("tie_word_embeddings", fallback: false);
        EndOfText = config.Integers("eos_token_id", 0, VocabularySize - 1);
        DenseWidth = moeLayers.Contains(false) ? config.Integer("intermediate_size", 1, CommonKeys.MaxWidth) : 0;
    }

    /// <summary>The family, as config.json names it (model_type).</summary>
    public string ModelType => Family.ModelType;

    /// <summary>Token ids: 0..VocabularySize-1.</summary>
    public int VocabularySize { get; }

    /// <summary>Hidden size.</summary>
    public int HiddenSize { get; }

    /// <summary>Decoder layers.</summary>
    public int LayerCount => MoELayers.Count;

    /// <summary>Longest sequence that the checkpoint was made for.</summary>
    public int MaxPositions { get; }

    /// <summary>Epsilon of every RMS norm.</summary>
    public float NormEpsilon { get; }

    /// <summary>Whether the output head is the embedding.</summary>
    public bool TieWordEmbeddings { get; }

    /// <summary>Inner size of the MLP in layers without experts; 0 when there is no such layer.</summary>
    public int DenseWidth { get; }

    /// <summary>Ids that end a text; may be empty.</summary>
    public IReadOnlyList<int> EndOfText { get; }

    /// <summary>Attention, or null when the decoder does not run this kind of attention.</summary>
    public AttentionConfig? Attention { get; init; }

    /// <summary>The MoE layers.</summary>
    public required ExpertsConfig Experts { get; init; }

    /// <summary>For each layer, whether it has experts.</summary>
    public IReadOnlyList<bool> MoELayers { get; }

    /// <summary>The key of config.json that the decoder lacks, or null when it runs this checkpoint.</summary>
    public string? MissingDecoderKey { get; init; }

    internal ModelFamily Family { get; }

    /// <summary>XXH128 of the file's bytes.</summary>
    internal UInt128 Digest { get; private set; }

    /// <summary>Reads a config.json.</summary>
    /// <param name="stream">UTF-8 JSON, at most 1 MiB; not disposed.</param>
    /// <param name="name">Name for messages.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ModelConfigurationException">It is not valid, or asks for what is not supported; names the key.</exception>
    public static ModelConfig Read(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(name);
        try
        {
            var bytes = new byte[SmallFiles.MaxConfigBytes + 1];
            int length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length > SmallFiles.MaxConfigBytes)
            {
                throw new ModelConfigurationException(name, null, $"the file has more than {SmallFiles.MaxConfigBytes} bytes.");
            }

            using var document = JsonDocument.Parse(bytes.AsMemory(0, length), StrictJson.Options);
            ModelConfig config = ModelFamilies.Configure(new ConfigReader(document.RootElement, name));
            config.Digest = XxHash128.HashToUInt128(bytes.AsSpan(0, length));
            return config;
        }
        catch (Exception e) when (e is JsonException or IOException or InvalidOperationException)
        {
            // InvalidOperationException: a name or text that is not valid UTF-8.
            throw new ModelConfigurationException(name, null, $"not readable as JSON: {e.Message}", e);
        }
    }

    internal static ModelConfig Read(IModelFiles files)
    {
        string path = files.Place(PackedSection.Config);
        try
        {
            using Stream stream = files.OpenFile(PackedSection.Config);
            return Read(stream, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ModelConfigurationException(path, null, $"cannot be opened: {e.Message}", e);
        }
    }
}
