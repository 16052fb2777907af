namespace DynamicMoE.Models;

/// <summary>The calibration that lies beside the weights of a checkpoint.</summary>
internal static class CalibrationFile
{
    public const string Name = "dynamicmoe.calibration.json";

    /// <summary>The names that <see cref="Load"/> reads.</summary>
    public static IEnumerable<string> Used(IModelFiles files) => files.Has(Name) ? [Name] : [];

    /// <summary>Reads it; null when there is none.</summary>
    /// <exception cref="RouterConfigurationException">It is no calibration of this version; names the file.</exception>
    /// <exception cref="ModelConfigurationException">The file is too large.</exception>
    /// <exception cref="CheckpointFormatException">The file cannot be read.</exception>
    public static CalibrationTable? Load(IModelFiles files)
    {
        if (!files.Has(Name))
        {
            return null;
        }

        try
        {
            using Stream source = files.OpenFile(Name);
            return CalibrationTable.Load(source, files.Place(Name));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointFormatException(files.Place(Name), null, $"cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Refuses the calibration of another model.</summary>
    /// <exception cref="RouterConfigurationException">The hashes differ; names the file and both.</exception>
    public static void RequireModel(CalibrationTable? calibration, ModelHash model, IModelFiles? files)
    {
        try
        {
            calibration?.RequireModel(model);
        }
        catch (RouterConfigurationException e)
        {
            throw new RouterConfigurationException($"{files!.Place(Name)}: {e.Message}", e);
        }
    }
}
