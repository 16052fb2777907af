namespace DynamicMoE.Peers.Bars;

/// <summary>A figure of ggml.</summary>
/// <param name="Milliseconds">Time per batch.</param>
/// <param name="Share">Share of the floor, as this program computes it.</param>
internal sealed record GgmlFigure(double Milliseconds, double Share);

/// <summary>
/// ggml's mul_mat_id (August 2026) in the cells where it was the fastest of all peers. ggml is not in this program; these figures come from another
/// machine (2-core AMD Zen 5, AVX-512, bf16, VNNI, two threads, 2026-11-23), so that only shares compare.
/// </summary>
internal static class GgmlFigures
{
    /// <summary>Threads of all figures.</summary>
    public const int Threads = 2;

    private static readonly Dictionary<(string Shape, int Tokens, string Format), GgmlFigure> Figures = new()
    {
        [("S", 1, "f32")] = new(0.0264, 0.12),
        [("S", 1, "bf16")] = new(0.0197, 0.08),
        [("S", 8, "f32")] = new(0.125, 0.20),
        [("S", 8, "bf16")] = new(0.0944, 0.13),
        [("S", 64, "f32")] = new(0.728, 0.28),
        [("S", 64, "bf16")] = new(0.555, 0.18),
        [("M", 1, "f32")] = new(0.872, 1.30),
        [("M", 1, "bf16")] = new(0.521, 1.09),
        [("M", 1, "q4")] = new(0.18, 0.89),
        [("M", 8, "f32")] = new(4.4, 0.92),
        [("M", 8, "bf16")] = new(2.84, 0.71),
        [("O", 1, "f32")] = new(4.46, 0.90),
        [("O", 1, "bf16")] = new(2.54, 0.79),
        [("O", 1, "q4")] = new(0.73, 0.78),
        [("O", 8, "f32")] = new(25.6, 0.84),
        [("O", 8, "bf16")] = new(14.3, 0.75),
        [("O", 64, "f32")] = new(59, 0.55),
        [("Q", 1, "f32")] = new(2.52, 1.20),
        [("Q", 1, "bf16")] = new(1.86, 0.81),
        [("Q", 1, "q4")] = new(0.599, 0.71),
        [("Q", 8, "f32")] = new(22.3, 0.87),
        [("Q", 8, "bf16")] = new(12.8, 0.76),
        [("Q", 8, "q4")] = new(4.31, 0.64),
        [("Q", 64, "f32")] = new(64.6, 0.74),
        [("Q", 64, "bf16")] = new(40.6, 0.59),
        [("X", 1, "bf16")] = new(15.9, 0.89),
        [("X", 1, "q4")] = new(4.39, 0.90),
        [("X", 8, "bf16")] = new(69.8, 0.75),
    };

    /// <summary>The figure of a cell; null where ggml was not the fastest, or at another number of threads.</summary>
    public static GgmlFigure? Of(LayerCell cell) => cell.Threads == Threads ? Figures.GetValueOrDefault((cell.Shape, cell.Tokens, cell.Format)) : null;

    /// <summary>
    /// How many times as much of its own machine's limit our layer reaches as ggml does of its: what stands for a quotient of times, which two
    /// machines do not have. Null where there is no figure.
    /// </summary>
    public static double? Ratio(LayerCell cell) => Of(cell) is { } ggml ? cell.ShareOfLimit / ggml.Share : null;
}
