using System.CommandLine;
using System.Globalization;
using TinyMoE.Training;
using TorchLoading;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
TorchRuntime.Prepare();

var defaults = new Recipe();
var modelFolder = new DirectoryInfo(Path.Combine("src", "DynamicMoE.Cli", "TinyMoE"));
var threads = new Option<int>("--threads") { Description = "CPU threads of libtorch", DefaultValueFactory = _ => Environment.ProcessorCount };
var model = new Option<DirectoryInfo>("--model") { Description = "Model folder", DefaultValueFactory = _ => modelFolder };

var corpusOutput = new Option<DirectoryInfo?>("--out") { Description = "Folder that receives training.txt and held-out.txt" };
var corpus = new Command("corpus", "Prints the corpus of the installed SDK as JSON") { corpusOutput };
corpus.SetAction(parsed => Commands.DescribeCorpus(parsed.GetValue(corpusOutput), Console.Out));

var trainOutput = new Option<DirectoryInfo>("--out") { Description = "Model folder to write", DefaultValueFactory = _ => modelFolder };
var steps = new Option<int>("--steps") { Description = "Optimiser steps", DefaultValueFactory = _ => defaults.Steps };
var minutes = new Option<double>("--max-minutes") { Description = "Ends the schedule by the clock when the steps take longer", DefaultValueFactory = _ => 50 };
var train = new Command("train", "Trains TinyMoE, evaluates it and writes its model card") { trainOutput, steps, minutes, threads };
train.SetAction(parsed => Commands.Train(
    parsed.GetValue(trainOutput)!,
    defaults with { Steps = parsed.GetValue(steps) },
    parsed.GetValue(threads),
    TimeSpan.FromMinutes(parsed.GetValue(minutes)),
    Console.Out));

var windows = new Option<int?>("--windows") { Description = "Evaluates this many windows instead of all" };
var writeCard = new Option<bool>("--write-card") { Description = "Puts the figures into training.json and MODEL_CARD.md" };
var evaluate = new Command("evaluate", "Prints held-out bits per byte of static top-1 to top-4") { model, threads, windows, writeCard };
evaluate.SetAction(parsed => Commands.Evaluate(
    parsed.GetValue(model)!, parsed.GetValue(threads), parsed.GetValue(windows), parsed.GetValue(writeCard), Console.Out));

var goldenPath = Path.Combine("tests", "golden", "tinymoe.safetensors");
var goldenOutput = new Option<FileInfo>("--out") { Description = "File to write", DefaultValueFactory = _ => new FileInfo(goldenPath) };
var golden = new Command("golden", "Writes golden logits, computed in double precision on the bf16 weights") { model, goldenOutput };
golden.SetAction(parsed => Commands.WriteGolden(parsed.GetValue(model)!, parsed.GetValue(goldenOutput)!, Console.Out));

return new RootCommand("Trains and measures TinyMoE") { corpus, train, evaluate, golden }.Parse(args).Invoke();
