namespace DynamicMoE;

/// <summary>Checks of calibrations that come from a caller or a file.</summary>
internal static class CalibrationRules
{
    /// <summary>Copies quantiles.</summary>
    /// <exception cref="ArgumentNullException">There are none.</exception>
    /// <exception cref="RouterConfigurationException">Their number is wrong, or one is not finite, below the minimum or below the one before.</exception>
    internal static float[] Ascending(IReadOnlyList<float> values, int count, string name, float minimum)
    {
        ArgumentNullException.ThrowIfNull(values);
        float[] copy = [.. values];
        if (copy.Length != count)
        {
            throw new RouterConfigurationException($"The {name} are {copy.Length} quantiles, {count} are needed.");
        }

        float before = minimum;
        for (int i = 0; i < copy.Length; i++)
        {
            if (!float.IsFinite(copy[i]) || copy[i] < before)
            {
                throw new RouterConfigurationException($"The {name} must be finite, at least {minimum} and ascending; quantile {i} is {copy[i]}.");
            }

            before = copy[i];
        }

        return copy;
    }
}
