using System.Text.Json;
using DynamicMoE.Cli.Corpus;
using TorchSharp;

namespace TinyMoE.Training;

/// <summary>What each subcommand does.</summary>
internal static class Commands
{
    // 128 KiB from all over the training text: it changes from file to file.
    private const int CalibrationPieces = 64, CalibrationPieceBytes = 2048;

    public static void DescribeCorpus(DirectoryInfo? output, TextWriter log)
    {
        var corpus = LoadCorpus();
        log.WriteLine(JsonSerializer.Serialize(
            new
            {
                corpus.SdkVersion,
                corpus.Packs,
                corpus.Sha256,
                Training = Describe(corpus.Training),
                HeldOut = Describe(corpus.HeldOut),
            },
            JsonFormat.Indented));
        if (output is null)
            return;
        output.Create();
        File.WriteAllBytes(Path.Combine(output.FullName, "training.txt"), corpus.Training.Bytes.ToArray());
        File.WriteAllBytes(Path.Combine(output.FullName, "held-out.txt"), corpus.HeldOut.Bytes.ToArray());
        File.WriteAllBytes(Path.Combine(output.FullName, "calibration.txt"), corpus.Training.Sample(CalibrationPieces, CalibrationPieceBytes));

        static object Describe(CorpusPart part) => new { Files = part.Files.Count, part.Paragraphs, Bytes = part.Bytes.Length };
    }

    public static void Train(DirectoryInfo output, Recipe recipe, int threads, TimeSpan limit, TextWriter log)
    {
        torch.set_num_threads(threads);
        var corpus = LoadCorpus();
        var shape = new ModelShape();
        var record = new TrainingRecord
        {
            SdkVersion = corpus.SdkVersion ?? "unknown",
            Packs = corpus.Packs,
            CorpusSha256 = corpus.Sha256,
            TrainingBytes = corpus.Training.Bytes.Length,
            TrainingFiles = corpus.Training.Files.Count,
            TrainingParagraphs = corpus.Training.Paragraphs,
            HeldOutBytes = corpus.HeldOut.Bytes.Length,
            HeldOutFiles = corpus.HeldOut.Files.Count,
            HeldOutParagraphs = corpus.HeldOut.Paragraphs,
            Recipe = recipe,
            Parameters = shape.ParameterCount(),
            StepsDone = 0,
            Threads = threads,
            Minutes = 0,
            MaxMinutes = limit.TotalMinutes,
        };
        log.WriteLine($"{record.Parameters:N0} parameters, {record.TrainingBytes:N0} bytes of training text, {threads} threads");
        new Trainer(shape, recipe, corpus.Training.Bytes, log).Run(output.FullName, limit, (steps, elapsed) =>
            (record with { StepsDone = steps, Minutes = Math.Round(elapsed.TotalMinutes, 1) }).Save(output.FullName));
        Evaluate(output, threads, windows: null, writeCard: true, log);
    }

    public static void Evaluate(DirectoryInfo model, int threads, int? windows, bool writeCard, TextWriter log)
    {
        torch.set_num_threads(threads);
        var decoder = Checkpoint.LoadModel(model.FullName, torch.ScalarType.Float32);
        var evaluation = new Evaluation(decoder, LoadCorpus().HeldOut.Bytes, windows);
        log.WriteLine($"{evaluation.Windows} windows of {decoder.Shape.MaxPositions} bytes");
        var curve = evaluation.Curve(log);
        if (!writeCard)
            return;
        var record = TrainingRecord.Load(model.FullName) with { EvaluationWindows = evaluation.Windows, Curve = curve };
        record.Save(model.FullName);
        ModelCard.Save(model.FullName, decoder.Shape, record);
    }

    public static void WriteGolden(DirectoryInfo model, FileInfo output, TextWriter log)
    {
        GoldenLogits.Write(model.FullName, output.FullName);
        log.WriteLine($"{output.Name}: {GoldenLogits.Prompt.Length} positions, {new FileInfo(output.FullName).Length:N0} bytes");
    }

    private static SdkCorpus LoadCorpus() =>
        SdkCorpus.TryLoad() ?? throw new DirectoryNotFoundException("No .NET SDK with reference packs was found; set DOTNET_ROOT to its folder.");
}
