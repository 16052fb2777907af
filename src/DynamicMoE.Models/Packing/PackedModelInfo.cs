namespace DynamicMoE.Models;

/// <summary>What a packed file holds.</summary>
/// <param name="Path">Path of the file.</param>
/// <param name="ModelType">The family, as config.json names it.</param>
/// <param name="WeightFormat">How experts are kept.</param>
/// <param name="Version">Version of the file format.</param>
/// <param name="LayoutVersion">Layout of the packed weights: <see cref="ExpertBank.PackedLayoutVersion"/> of the library that can use them.</param>
/// <param name="Bytes">Bytes of the file.</param>
/// <param name="ExpertBytes">Bytes of packed experts among them, which are read when they are first used.</param>
/// <param name="Sections">Parts, each with a checksum of its own.</param>
public sealed record PackedModelInfo(
    string Path, string ModelType, WeightFormat WeightFormat, int Version, int LayoutVersion, long Bytes, long ExpertBytes, int Sections);
