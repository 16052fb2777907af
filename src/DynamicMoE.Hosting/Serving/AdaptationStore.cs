using System.Text;
using DynamicMoE.Hosting.Loading;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Hosting;

/// <summary>Keeps thresholds over a restart: one file per model hash, replaced as a whole, so that a process that is killed leaves the file before or the one after.</summary>
/// <param name="folder">Where; null keeps nothing.</param>
/// <param name="logger">Told of files that could not be read or written; neither stops the service.</param>
internal sealed class AdaptationStore(string? folder, ILogger logger)
{
    /// <summary>Time between two savings.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    /// <summary>Writes what the controllers of a model know.</summary>
    public void Save(ServedModel model)
    {
        if (File(model) is not { } path || model.Arbiter is null)
        {
            return;
        }

        try
        {
            Directory.CreateDirectory(folder!);
            using var file = new WholeFile(path, overwrite: true);
            file.Stream.Write(Encoding.UTF8.GetBytes(model.Arbiter.Snapshot().ToJson()));
            file.Commit();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            Log.StateNotKept(logger, path, error);
        }
    }

    /// <summary>Takes over what was written for a model.</summary>
    public void Restore(ServedModel model)
    {
        if (File(model) is not { } path || model.Arbiter is null || !System.IO.File.Exists(path))
        {
            return;
        }

        try
        {
            AdaptationSnapshot snapshot = AdaptationSnapshot.FromJson(System.IO.File.ReadAllText(path));

            // The budget is a setting, which may have changed since; so may proposals of callers that are gone.
            model.Arbiter.Restore(snapshot with { Budget = model.Arbiter.Budget, Adaptation = 0, Scaling = 0 });
            Log.StateRestored(logger, path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or RouterConfigurationException)
        {
            Log.StateNotRestored(logger, path, error);
        }
    }

    private string? File(ServedModel model) =>
        folder is null || model.Info.Hash is not { } hash ? null : Path.Combine(folder, $"thresholds-{hash}.json");
}
