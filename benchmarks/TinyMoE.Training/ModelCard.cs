using System.Globalization;
using System.Text;

namespace TinyMoE.Training;

/// <summary>Renders MODEL_CARD.md from a training record.</summary>
internal static class ModelCard
{
    public const string FileName = "MODEL_CARD.md";

    public static void Save(string folder, ModelShape shape, TrainingRecord record) =>
        File.WriteAllText(Path.Combine(folder, FileName), Render(shape, record));

    internal static string Render(ModelShape shape, TrainingRecord record)
    {
        var recipe = record.Recipe;
        var card = new StringBuilder();
        void Line(FormattableString text) => card.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');

        Line($"# TinyMoE");
        Line($"");
        Line($"A byte-level Mixture-of-Experts decoder for demonstrations and tests of DynamicMoE. Written by `benchmarks/TinyMoE.Training`; do not edit.");
        Line($"");
        Line($"## Model");
        Line($"");
        Line($"Mixtral architecture and tensor names, bf16. Tokens are bytes; there is no begin-of-text token.");
        Line($"");
        Line($"| | |");
        Line($"|---|---|");
        Line($"| parameters | {record.Parameters:N0} |");
        Line($"| layers | {shape.Layers} |");
        Line($"| hidden size | {shape.HiddenSize} |");
        Line($"| attention | {shape.Heads} heads of {shape.HeadSize}, {shape.KeyValueHeads} key/value heads, RoPE (rotate_half, theta {shape.RopeTheta}) |");
        Line($"| experts | {shape.Experts} SwiGLU of width {shape.IntermediateSize} per layer |");
        Line($"| gate | softmax over all experts, top-{shape.ExpertsPerToken}, weights renormalised over the chosen |");
        Line($"| positions | {shape.MaxPositions} |");
        Line($"");
        Line($"## Data");
        Line($"");
        Line($"Prose of the XML reference documentation of the .NET SDK {record.SdkVersion} ({string.Join(", ", record.Packs)}). A file name that occurs in two");
        Line($"packs is read once and a paragraph is kept once. Files are held out by a hash of their name; held-out paragraphs that training holds are");
        Line($"dropped. The corpus is not in the repository.");
        Line($"");
        Line($"| | files | paragraphs | bytes |");
        Line($"|---|---:|---:|---:|");
        Line($"| training | {record.TrainingFiles} | {record.TrainingParagraphs:N0} | {record.TrainingBytes:N0} |");
        Line($"| held out | {record.HeldOutFiles} | {record.HeldOutParagraphs:N0} | {record.HeldOutBytes:N0} |");
        Line($"");
        Line($"SHA-256 of the training bytes followed by the held-out bytes: `{record.CorpusSha256}`");
        Line($"");
        Line($"## Recipe");
        Line($"");
        Line($"{record.StepsDone:N0} steps of {recipe.BatchWindows} windows of {recipe.WindowBytes} bytes ({(long)record.StepsDone * recipe.BatchWindows * recipe.WindowBytes:N0} bytes). AdamW, betas {recipe.Beta1} and {recipe.Beta2}, weight decay {recipe.WeightDecay}");
        Line($"({recipe.GateWeightDecay} on gates, none on norms), learning rate {recipe.PeakLearningRate} after {recipe.WarmupSteps} steps of warm-up, cosine to {recipe.FinalLearningRateShare * 100:0.#} % of it, gradient norm limited to {recipe.GradientNormLimit},");
        Line($"Switch balance loss with coefficient {recipe.BalanceCoefficient} per layer, seed {recipe.Seed}. {record.Minutes:F0} minutes on {record.Threads} {(record.Threads == 1 ? "thread" : "threads")} of a shared machine.");
        if (record.StepsDone < recipe.Steps)
            Line($"The recipe asks for {recipe.Steps:N0} steps; the time limit ended this run earlier, with the learning rate following the clock.");
        Line($"");
        Line($"```");
        Line($"dotnet run -c Release --project benchmarks/TinyMoE.Training -- train --threads {record.Threads} --max-minutes {record.MaxMinutes}");
        Line($"```");
        Line($"");
        Line($"## Held-out bits per byte");
        Line($"");
        Line($"Of the bf16 weights in this folder, computed in f32 on {record.EvaluationWindows:N0} windows of {shape.MaxPositions} bytes, each window starting without context. The difference is to");
        Line($"top-{shape.ExpertsPerToken}, its standard error is paired over windows. `renormalize` divides the probabilities of the chosen experts by their sum,");
        Line($"`trained_scale` by the sum over the trained top-{shape.ExpertsPerToken}.");
        Line($"");
        Line($"| static rule | weights | bits per byte | difference | standard error |");
        Line($"|---|---|---:|---:|---:|");
        foreach (var point in record.Curve)
        {
            var weights = point.ExpertsPerToken == shape.ExpertsPerToken ? "both" : point.Weights;
            Line($"| top-{point.ExpertsPerToken} | {weights} | {point.BitsPerByte:F4} | {point.Difference:+0.0000;-0.0000;0} | {point.DifferenceStandardError:F4} |");
        }
        Line($"");
        Line($"## Limits");
        Line($"");
        Line($"It imitates reference documentation and states nothing that can be relied upon. Its vocabulary is bytes, its text English.");
        return card.ToString();
    }
}
