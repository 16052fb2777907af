namespace DynamicMoE.ServiceLoad;

/// <summary>What all scenarios share.</summary>
/// <param name="Server">dmoe.dll.</param>
/// <param name="Short">Seconds and small counts, for a test run.</param>
/// <param name="Seed">Of everything that is random.</param>
/// <param name="Count">Requests of the fuzzer.</param>
internal sealed record Setup(string Server, bool Short, int Seed, int Count)
{
    /// <summary>The long value, or the short one.</summary>
    public T Pick<T>(T whole, T brief) => Short ? brief : whole;
}
