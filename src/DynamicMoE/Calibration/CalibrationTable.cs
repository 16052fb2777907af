namespace DynamicMoE;

/// <summary>Calibrations of a model's layers, bound to the model's hash; kept as JSON.</summary>
public sealed class CalibrationTable
{
    /// <summary>Makes a table.</summary>
    /// <param name="model">Hash of the model; for a router outside a model that of its gate.</param>
    /// <param name="layers">At least one, in ascending order of the layer; all of them with a sensitivity or none. Copied.</param>
    /// <exception cref="ArgumentNullException"><paramref name="layers"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">There is no layer, their order is wrong, or some have a sensitivity and others none.</exception>
    public CalibrationTable(ModelHash model, IReadOnlyList<LayerCalibration> layers)
    {
        ArgumentNullException.ThrowIfNull(layers);
        new OptionRules(nameof(CalibrationTable))
            .Range("layers.Count", layers.Count, 1, RecordFormat.MaxLayers)
            .Require(layers.Zip(layers.Skip(1)).All(pair => pair.First.Layer < pair.Second.Layer), $"layers must be in ascending order, none twice.")
            .Require(layers.Select(layer => layer.Sensitivity is null).Distinct().Count() < 2, $"layers must all have a sensitivity, or none.")
            .ThrowIfBroken();
        Model = model;
        Layers = [.. layers];
    }

    /// <summary>Hash of the model.</summary>
    public ModelHash Model { get; }

    /// <summary>The layers with experts, in ascending order.</summary>
    public IReadOnlyList<LayerCalibration> Layers { get; }

    /// <summary>The same table with the layers' sensitivity, by which budgets are divided.</summary>
    /// <param name="sensitivity">What the model loses when a layer alone has one expert per token, in nats per token: one finite value of at least 0 for each of <see cref="Layers"/>.</param>
    /// <returns>A new table.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="sensitivity"/> is null.</exception>
    /// <exception cref="RouterConfigurationException">The number of values is another, or one is outside its range.</exception>
    public CalibrationTable WithSensitivity(IReadOnlyList<double> sensitivity)
    {
        ArgumentNullException.ThrowIfNull(sensitivity);
        return sensitivity.Count == Layers.Count
            ? new CalibrationTable(Model, [.. Layers.Zip(sensitivity, (layer, value) => layer.With(value))])
            : throw new RouterConfigurationException($"sensitivity has {sensitivity.Count} values, the table has {Layers.Count} layers.");
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">Path of a file that <see cref="Save(string, bool)"/> wrote, at most 256 MiB.</param>
    /// <returns>The table.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="RouterConfigurationException">The file is no calibration of this version; names file, place and value.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static CalibrationTable Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        return Load(file, path);
    }

    /// <summary>Reads a stream to its end; it is not disposed.</summary>
    /// <param name="source">UTF-8 JSON, at most 256 MiB.</param>
    /// <param name="name">Name for messages.</param>
    /// <returns>The table.</returns>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="RouterConfigurationException">It is no calibration of this version; names the place and the value.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    public static CalibrationTable Load(Stream source, string name = "calibration")
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(name);
        return CalibrationReader.Read(source, name);
    }

    /// <summary>Writes a file, which appears once it is whole.</summary>
    /// <param name="path">Path of the file. Its folder exists.</param>
    /// <param name="overwrite">Whether a file at the path is replaced.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null or empty.</exception>
    /// <exception cref="IOException">The path is taken or a folder, its folder is missing, or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">The path cannot be written to.</exception>
    public void Save(string path, bool overwrite = false)
    {
        using var file = new WholeFile(path, overwrite);
        Save(file.Stream);
        file.Commit();
    }

    /// <summary>Writes to a stream, which is not disposed.</summary>
    /// <param name="destination">Receives UTF-8 JSON.</param>
    /// <exception cref="ArgumentNullException"><paramref name="destination"/> is null.</exception>
    /// <exception cref="IOException">The stream cannot be written to.</exception>
    public void Save(Stream destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        CalibrationWriter.Write(this, destination);
    }

    /// <summary>The calibration of a layer.</summary>
    /// <param name="layer">Index of the decoder layer.</param>
    /// <returns>It, or null when the table has none.</returns>
    public LayerCalibration? Find(int layer) => Layers.FirstOrDefault(calibration => calibration.Layer == layer);

    /// <summary>Refuses another model than the one that the table was made with.</summary>
    /// <param name="model">Hash of the model at hand.</param>
    /// <exception cref="RouterConfigurationException">The hashes differ; names both.</exception>
    public void RequireModel(ModelHash model)
    {
        if (model != Model)
        {
            throw new RouterConfigurationException($"The calibration was made with model {Model}, this is model {model}; calibrate this one.");
        }
    }
}
