using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace DynamicMoE.Models;

/// <summary>A byte-level BPE tokenizer (tokenizer.json), as Qwen, OLMoE and DeepSeek checkpoints have it.</summary>
public sealed class ByteLevelBpe : ITextTokenizer
{
    private readonly string _file;
    private readonly BpeTokenizer _bpe;
    private readonly AddedTokens _added;
    private readonly Dictionary<int, byte[]> _texts;
    private readonly int[] _prefix;

    private ByteLevelBpe(string file, BpeTokenizer bpe, AddedTokens added, Dictionary<int, byte[]> texts, int[] prefix)
    {
        _file = file;
        _bpe = bpe;
        _added = added;
        _texts = texts;
        _prefix = prefix;
    }

    /// <inheritdoc/>
    public string Name => "byte-level BPE";

    /// <summary>Opens tokenizer.json.</summary>
    /// <param name="path">Path of the file.</param>
    /// <returns>The tokenizer.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="ModelConfigurationException">The file is not valid, or asks for what is not supported; names the key.</exception>
    public static ByteLevelBpe Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Open(new FolderFiles(Path.GetDirectoryName(path) ?? ""), Path.GetFileName(path));
    }

    internal static ByteLevelBpe Open(IModelFiles files, string name)
    {
        using JsonDocument document = TokenizerJson.Parse(files, name);
        string path = files.Place(name);
        try
        {
            return Create(path, new ConfigReader(document.RootElement, path));
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or FormatException)
        {
            // InvalidOperationException: also a name that is not valid UTF-8 or UTF-16.
            throw new ModelConfigurationException(path, "model", $"not a usable BPE model: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ModelConfigurationException">An expression of the file takes too long on this text.</exception>
    public IReadOnlyList<int> Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var ids = new List<int>(_prefix);
        try
        {
            foreach ((int offset, int length, int? id) in _added.Split(text))
            {
                if (id is { } known)
                {
                    ids.Add(known);
                }
                else
                {
                    ids.AddRange(_bpe.EncodeToIds(text.AsSpan(offset, length)));
                }
            }
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new ModelConfigurationException(_file, "pre_tokenizer", $"the expression takes longer than {e.MatchTimeout} on this text.", e);
        }

        return ids;
    }

    /// <inheritdoc/>
    /// <remarks>Ids between the tokenizer's vocabulary and the model's have no text.</remarks>
    public string Decode(IReadOnlyList<int> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        var bytes = new List<byte>();
        foreach (int token in tokens)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(token, nameof(tokens));
            if (_texts.TryGetValue(token, out byte[]? text))
            {
                bytes.AddRange(text);
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }

    private static ByteLevelBpe Create(string path, ConfigReader root)
    {
        BpeModelReader model = BpeModelReader.Read(root);
        AddedTokens added = AddedTokens.Read(root);
        var options = new BpeOptions(model.Vocabulary)
        {
            Merges = model.Merges,
            ByteLevel = true,
            PreTokenizer = PreTokenizerReader.Read(root),
            Normalizer = NormalizerReader.Read(root),
        };
        Dictionary<int, byte[]> texts = model.Texts;
        foreach ((string content, int id) in added.Ids)
        {
            texts[id] = Encoding.UTF8.GetBytes(content);
        }

        int[] prefix = PostProcessorReader.ReadPrefix(root, added);
        return new ByteLevelBpe(path, BpeTokenizer.Create(options), added, texts, prefix);
    }
}
