namespace DynamicMoE.Cli.Sweep;

/// <summary>A layer's values of a signal on the calibration text, sorted: it makes ranks of values of any scale.</summary>
internal sealed class RankTable
{
    private readonly float[] _sorted;

    /// <summary>Sorts the values.</summary>
    public RankTable(IEnumerable<float> values) => _sorted = [.. values.Order()];

    /// <summary>Share of the values that lie below a value, equal ones counted half.</summary>
    /// <returns>0..1; 0.5 without values.</returns>
    public float Share(float value)
    {
        if (_sorted.Length == 0)
        {
            return 0.5f;
        }

        int below = Bound(value, orEqual: false), upTo = Bound(value, orEqual: true);
        return (below + upTo) / (2f * _sorted.Length);
    }

    private int Bound(float value, bool orEqual)
    {
        int low = 0, high = _sorted.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            bool before = orEqual ? _sorted[middle] <= value : _sorted[middle] < value;
            (low, high) = before ? (middle + 1, high) : (low, middle);
        }

        return low;
    }
}
