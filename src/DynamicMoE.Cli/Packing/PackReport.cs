using System.Globalization;
using DynamicMoE.Cli.Models;
using DynamicMoE.Cli.Terminal;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Packing;

/// <summary>What a packed model holds.</summary>
internal sealed record PackReport
{
    /// <summary>Path of the file.</summary>
    public required string File { get; init; }

    /// <summary>model_type of its configuration.</summary>
    public required string Family { get; init; }

    /// <summary>How experts are kept: f32, bf16, q8 or q4.</summary>
    public required string Format { get; init; }

    /// <summary>Version of the file format.</summary>
    public required int Version { get; init; }

    /// <summary>Layout of the packed weights.</summary>
    public required int LayoutVersion { get; init; }

    /// <summary>Parts with a checksum of their own.</summary>
    public required int Sections { get; init; }

    /// <summary>Bytes of the file.</summary>
    public required long Bytes { get; init; }

    /// <summary>Bytes of experts among them, which are read when they are first used.</summary>
    public required long ExpertBytes { get; init; }

    /// <summary>Whether every byte was read and compared with its checksum.</summary>
    public required bool Verified { get; init; }

    /// <summary>Makes a report.</summary>
    public static PackReport Of(PackedModelInfo info, bool verified) => new()
    {
        File = info.Path,
        Family = info.ModelType,
        Format = WeightFormats.Name(info.WeightFormat),
        Version = info.Version,
        LayoutVersion = info.LayoutVersion,
        Sections = info.Sections,
        Bytes = info.Bytes,
        ExpertBytes = info.ExpertBytes,
        Verified = verified,
    };

    /// <summary>Writes it for people.</summary>
    public void WriteTo(ToolConsole console)
    {
        string experts = string.Create(CultureInfo.InvariantCulture, $"{Bytes} bytes, {ExpertBytes} of them experts in {Format}");
        console.Out.WriteLine($"{File}: {Family}, {experts}, {Sections} sections, version {Version}, layout {LayoutVersion}");
        if (Verified)
        {
            console.Out.WriteLine("every checksum is right");
        }
    }
}
