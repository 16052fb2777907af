using System.Text.Json;

namespace DynamicMoE.Peers.Results;

/// <summary>Results on disk as JSON (snake_case). Every part is added as soon as it is measured, so that a run can be broken off.</summary>
internal static class ResultFile
{
    private static readonly JsonSerializerOptions Format = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    public static string ToJson(PeersReport report) => JsonSerializer.Serialize(report.WithBars(), Format);

    /// <exception cref="InvalidDataException">The file does not hold results.</exception>
    public static PeersReport Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<PeersReport>(File.ReadAllText(path), Format) ?? throw new InvalidDataException($"{path} is empty.");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"{path} does not hold results: {error.Message}");
        }
    }

    /// <summary>Adds results to a file, which may be missing or empty.</summary>
    /// <exception cref="InvalidDataException">The file holds something else, or results of another machine.</exception>
    public static void Add(string path, PeersReport report)
    {
        var file = new FileInfo(path);
        PeersReport all = file is { Exists: true, Length: > 0 } ? Join(path, Read(path), report) : report;

        // In one step: whoever breaks the run off keeps the older file whole.
        string temporary = $"{path}.{Environment.ProcessId}";
        File.WriteAllText(temporary, ToJson(all) + "\n");
        File.Move(temporary, path, overwrite: true);
    }

    private static PeersReport Join(string path, PeersReport older, PeersReport newer) => older.Machine == newer.Machine
        ? older.With(newer)
        : throw new InvalidDataException($"{path} holds results of {older.Machine}, this is {newer.Machine}.");
}
