namespace DynamicMoE;

/// <summary>Working memory of one routing call. Grows to the largest batch seen and is then reused.</summary>
internal sealed class RouteScratch
{
    private float[] _raw = [];
    private float[] _scores = [];
    private float[] _bias = [];
    private float[] _logits = [];
    private float[] _taus = [];
    private int[] _counts = [];
    private byte[] _mask = [];
    private RoutingBuffers? _routing;

    /// <summary>Whether this call's raw values belong into the estimator's running table.</summary>
    internal bool Estimated { get; set; }

    /// <summary>What is known of the rows before the call, or null.</summary>
    internal KnownRows? Known { get; set; }

    internal Span<float> Raw(int tokens) => Sized(ref _raw, tokens);

    internal Span<float> Scores(int tokens) => Sized(ref _scores, tokens);

    internal Span<float> Bias(int experts) => Sized(ref _bias, experts);

    internal Span<float> Taus(int tokens) => Sized(ref _taus, tokens);

    internal Span<int> Counts(int tokens) => Sized(ref _counts, tokens);

    internal Span<float> Logits(int elements) => Sized(ref _logits, elements);

    internal Span<byte> Mask(int experts) => Sized(ref _mask, experts);

    /// <summary>Buffers for a caller that did not bring its own.</summary>
    internal RoutingBuffers Routing(IRouter router, int tokens, bool withLogits)
    {
        if (_routing is null || _routing.MaxTokens < tokens || _routing.Slots != router.MaxExperts
            || _routing.NumExperts != router.NumExperts || (withLogits && !_routing.HasLogits))
        {
            _routing = RoutingBuffers.For(router, tokens, withLogits);
        }

        return _routing;
    }

    private static Span<T> Sized<T>(ref T[] array, int length)
    {
        if (array.Length < length)
        {
            array = new T[length];
        }

        return array.AsSpan(0, length);
    }
}
