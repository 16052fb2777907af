using DynamicMoE.Native;

namespace DynamicMoE.Compute;

/// <summary>Causal grouped-query attention over a cache. Nothing is allocated.</summary>
public static class CausalAttention
{
    /// <summary>Attends with new queries to every position up to their own.</summary>
    /// <param name="options">Shape of the call.</param>
    /// <param name="query"><c>[queries, QueryHeads * HeadDim]</c>, row-major; the number of queries follows from the length.</param>
    /// <param name="keys"><c>[positions, KvHeads * HeadDim]</c> with CacheStride elements between positions.</param>
    /// <param name="values">Like <paramref name="keys"/>.</param>
    /// <param name="output">[out] <c>[queries, QueryHeads * HeadDim]</c>; must not overlap an input.</param>
    /// <param name="entropy">[out] <c>[queries, QueryHeads]</c>: entropy of the weights over ln(visible keys), 0 for one key; empty = not wanted.</param>
    /// <exception cref="RouterConfigurationException">An option is outside its range.</exception>
    /// <exception cref="RoutingValidationException">A length does not fit, or the output overlaps an input.</exception>
    /// <exception cref="BackendException">The native library or the instruction-set level is not usable here.</exception>
    public static void Run(
        in AttentionOptions options, ReadOnlySpan<float> query, ReadOnlySpan<float> keys, ReadOnlySpan<float> values,
        Span<float> output, Span<float> entropy = default)
    {
        Check(in options);
        int width = options.QueryHeads * options.HeadDim;
        int queries = query.Length / width;
        Shapes.RequireRows(query.Length, queries, width, nameof(query));
        Shapes.RequireRows(output.Length, queries, width, nameof(output));
        if (!entropy.IsEmpty)
        {
            Shapes.RequireRows(entropy.Length, queries, options.QueryHeads, nameof(entropy));
        }

        long row = (long)options.KvHeads * options.HeadDim;
        long needed = (options.FirstPosition + queries - 1) * Math.Max(options.CacheStride, row) + row;
        RequireCache(keys.Length, needed, nameof(keys));
        RequireCache(values.Length, needed, nameof(values));
        Shapes.RequireApart(query, output, "query and output");
        Shapes.RequireApart(keys, output, "keys and output");
        Shapes.RequireApart(values, output, "values and output");
        ComputeCalls.Attention(in options, queries, query, keys, values, output, entropy);
    }

    private static void Check(in AttentionOptions o)
    {
        long row = (long)o.KvHeads * o.HeadDim;
        new OptionRules(nameof(AttentionOptions))
            .Range(nameof(o.KvHeads), o.KvHeads, 1, 65536)
            .Range(nameof(o.QueryHeads), o.QueryHeads, 1, 65536)
            .Require(o.KvHeads < 1 || o.QueryHeads % o.KvHeads == 0, $"QueryHeads ({o.QueryHeads}) is not a multiple of KvHeads ({o.KvHeads}).")
            .Range(nameof(o.HeadDim), o.HeadDim, 1, 1024)
            .Positive(nameof(o.Scale), o.Scale)
            .Range(nameof(o.FirstPosition), o.FirstPosition, 0, int.MaxValue)
            .Require(o.CacheStride == 0 || (o.CacheStride >= row && o.CacheStride <= int.MaxValue), $"CacheStride ({o.CacheStride}) must be 0 or {row}..{int.MaxValue}.")
            .Range(nameof(o.Window), o.Window, 0, int.MaxValue)
            .Range(nameof(o.Threads), o.Threads, 0, Limits.MaxThreads)
            .Defined(nameof(o.Isa), o.Isa)
            .ThrowIfBroken();
    }

    private static void RequireCache(int length, long needed, string name)
    {
        if (length < needed)
        {
            throw new RoutingValidationException($"{name} has {length} elements, at least {needed} are needed.");
        }
    }
}
