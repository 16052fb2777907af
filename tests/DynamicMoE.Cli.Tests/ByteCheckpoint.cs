using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Cli.Tests;

/// <summary>A small random checkpoint whose tokens are bytes, on disk.</summary>
public sealed class ByteCheckpoint : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public ByteCheckpoint()
    {
        Model.Save(_directory.Path);
        File.WriteAllText(TextPath, Text);
    }

    /// <summary>400 bytes of text.</summary>
    public static string Text { get; } = string.Concat(Enumerable.Range(0, 400).Select(i => (char)('a' + (i * i % 26))));

    public SyntheticCheckpoint Model { get; } =
        SyntheticCheckpoint.Create(FamilySettings.Create(ReferenceFamily.Mixtral) with { Vocabulary = 256 });

    public string ModelPath => _directory.Path;

    public string TextPath => _directory["text.txt"];

    public void Dispose() => _directory.Dispose();
}
