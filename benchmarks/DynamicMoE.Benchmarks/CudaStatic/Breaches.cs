namespace DynamicMoE.Benchmarks.CudaStatic;

/// <summary>Where kernels exceed their budget.</summary>
internal static class Breaches
{
    private const string TensorCore = "HMMA";

    // The kernels whose products are those of tensor cores; the f32 ones have none.
    private static readonly string[] OnTensorCores = ["dmoe_up_bf16", "dmoe_down_bf16", "dmoe_up_q8", "dmoe_down_q8", "dmoe_up_q4", "dmoe_down_q4"];

    /// <summary>One line for each.</summary>
    internal static IEnumerable<string> Of(
        SortedDictionary<string, SortedDictionary<string, KernelReport>> allowed, SortedDictionary<string, SortedDictionary<string, KernelReport>> found)
    {
        foreach ((string architecture, SortedDictionary<string, KernelReport> kernels) in found)
        {
            SortedDictionary<string, KernelReport> limits = allowed.GetValueOrDefault(architecture) ?? [];
            foreach (string missing in limits.Keys.Except(kernels.Keys))
            {
                yield return $"{architecture} {missing}: in the budget, but not in the PTX";
            }

            foreach ((string name, KernelReport kernel) in kernels)
            {
                foreach (string breach in limits.TryGetValue(name, out KernelReport? limit) ? Of(name, limit, kernel) : ["not in the budget"])
                {
                    yield return $"{architecture} {name}: {breach}";
                }
            }
        }
    }

    private static IEnumerable<string> Of(string name, KernelReport limit, KernelReport kernel)
    {
        if (kernel.Threads != limit.Threads)
        {
            yield return $"{kernel.Threads} threads, the budget has {limit.Threads}";
        }

        foreach ((string what, int actual, int most) in new[]
        {
            ("registers", kernel.Registers, limit.Registers),
            ("bytes of shared memory", kernel.Shared, limit.Shared),
            ("bytes of spills", kernel.Spills, limit.Spills),
        })
        {
            if (actual > most)
            {
                yield return $"{actual} {what}, at most {most} are allowed";
            }
        }

        if (OnTensorCores.Any(start => name.StartsWith(start, StringComparison.Ordinal)) && !kernel.Instructions.ContainsKey(TensorCore))
        {
            yield return $"no {TensorCore}: the product does not use tensor cores";
        }
    }
}
