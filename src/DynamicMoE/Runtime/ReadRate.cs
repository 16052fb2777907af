namespace DynamicMoE;

/// <summary>Measured read bandwidth of one way to read memory.</summary>
/// <param name="Streams">Sequential streams per thread: 1, 4 or 8.</param>
/// <param name="HugePages">Whether huge pages were advised; without them pages have 4 KiB.</param>
/// <param name="BytesPerSecond">Bytes per second of all threads together.</param>
public readonly record struct ReadRate(int Streams, bool HugePages, double BytesPerSecond);
