using System.Globalization;
using System.Text;
using DynamicMoE.Cli.Models;

namespace DynamicMoE.Cli.Benchmarking.Cuda;

/// <summary>The report <c>benchmarks/results/cuda-model.md</c>.</summary>
internal static class CudaModelReport
{
    private static readonly int[] Tokens = [1, 8, 64, 512];

    private static readonly WeightFormat[] Formats = [WeightFormat.Float32, WeightFormat.BFloat16, WeightFormat.Q8, WeightFormat.Q4];

    /// <summary>Writes it.</summary>
    public static string Write(CudaKernels kernels)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            # The layer on NVIDIA cards: a model, not a measurement

            Nothing here was measured: no GPU has run these kernels yet. `dmoe bench layer --device cuda` measures on a card and prints the time beside this model's.

            Made by `dmoe bench model --out benchmarks/results/cuda-model.md`. A launch takes the longest of: its operations over the peak times the share of the card that works
            (tiles that are full, multiprocessors that have as many blocks as the busiest), its bytes over the bandwidth that the bytes under way of its resident blocks sustain at an
            assumed latency of {CudaLayerModel.LatencySeconds * 1e6:0.0} us, and {CudaLayerModel.LaunchSeconds * 1e6:0.0} us, which is assumed for a launch within a CUDA graph. A layer is the sum of its launches. Bytes are counted once each: weights of
            the experts that a batch meets (tokens choose at random), inputs, outputs. Cache misses, the latency of arithmetic and clocks under load are left out, so that real times are
            longer; with few tokens `dmoe_route` is bound by them, as its sums take one product after the other, 4 cycles each by assumption. Shared memory that a launch asks for dynamically (routing and plan) is not in the table of blocks.

            | Card | Multiprocessors | Memory GB/s | bfloat16 TFLOP/s | float32 TFLOP/s | Source |
            | --- | --- | --- | --- | --- | --- |

            """);
        foreach (CudaCard card in CudaCard.All)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {card.Name} | {card.Multiprocessors} | {card.BytesPerSecond / 1e9:0} | {card.TensorFlops / 1e12:0} | {card.Float32Flops / 1e12:0.0} | {card.Source} |\n");
        }

        Occupancy(text, kernels);
        Layers(text, kernels);
        foreach (LayerShape shape in LayerShape.All)
        {
            Ops(text, kernels, shape);
        }

        return text.ToString();
    }

    /// <summary>Whether a shape is run in a format: Mixtral's experts are not kept in float32.</summary>
    public static bool IsRun(LayerShape shape, WeightFormat format) => shape.Name != "X" || format != WeightFormat.Float32;

    private static void Occupancy(StringBuilder text, CudaKernels kernels)
    {
        text.Append("""

            ## Blocks per multiprocessor

            From the registers and the shared memory that ptxas reports (the committed budget file) and the published limits of each architecture.

            | Kernel | Threads | Registers | Shared bytes | sm_80 | sm_89 | sm_90 |
            | --- | --- | --- | --- | --- | --- | --- |

            """);
        foreach (string entry in kernels.Entries)
        {
            BlockUse use = kernels.Use("sm_80", entry);
            text.Append(CultureInfo.InvariantCulture, $"| `{entry}` | {use.Threads} | {use.Registers} | {use.SharedBytes} ");
            foreach (string architecture in new[] { "sm_80", "sm_89", "sm_90" })
            {
                text.Append(CultureInfo.InvariantCulture, $"| {kernels.BlocksAtOnce(architecture, entry)} ");
            }

            text.Append("|\n");
        }
    }

    private static void Layers(StringBuilder text, CudaKernels kernels)
    {
        text.Append("\n## Microseconds of a whole layer\n\n| Shape | Format | T |");
        text.AppendJoin("", CudaCard.All.Select(card => $" {card.Name} |")).Append("\n| --- | --- | --- |").Insert(text.Length, " --- |", CudaCard.All.Count).Append('\n');
        foreach ((LayerShape shape, WeightFormat format, int tokens) in Cells())
        {
            text.Append(CultureInfo.InvariantCulture, $"| {shape.Name} | {WeightFormats.Name(format)} | {tokens} |");
            foreach (CudaCard card in CudaCard.All)
            {
                text.Append(CultureInfo.InvariantCulture, $" {1e6 * new CudaLayerModel(card, kernels).Seconds(shape, format, tokens):0} |");
            }

            text.Append('\n');
        }
    }

    private static void Ops(StringBuilder text, CudaKernels kernels, LayerShape shape)
    {
        text.Append(CultureInfo.InvariantCulture, $"""

            ## Launches of shape {shape.Name} ({shape.Numbers})

            Microseconds, and what binds: operations (f), bytes (b) or the launch (l).

            | Format | T | Kernel | MFLOP | MB | A100 | H100 | L4 |
            | --- | --- | --- | --- | --- | --- | --- | --- |

            """);
        foreach ((LayerShape _, WeightFormat format, int tokens) in Cells().Where(cell => cell.Shape == shape))
        {
            CudaOpTime[][] times = [.. CudaCard.All.Select(card => new CudaLayerModel(card, kernels).Launches(shape, format, tokens).ToArray())];
            for (int i = 0; i < times[0].Length; i++)
            {
                CudaOp op = times[0][i].Op;
                text.Append(CultureInfo.InvariantCulture, $"| {WeightFormats.Name(format)} | {tokens} | `{op.Name}` | {op.Flops / 1e6:0.##} | {op.Bytes / 1e6:0.###} |");
                foreach (CudaOpTime[] card in times)
                {
                    text.Append(CultureInfo.InvariantCulture, $" {1e6 * card[i].Seconds:0.0} {card[i].Binds[0]} |");
                }

                text.Append('\n');
            }
        }
    }

    private static IEnumerable<(LayerShape Shape, WeightFormat Format, int Tokens)> Cells() =>
        from shape in LayerShape.All
        from format in Formats
        where IsRun(shape, format)
        from tokens in Tokens
        select (shape, format, tokens);
}
