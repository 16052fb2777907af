using System.Diagnostics;
using System.Globalization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TinyMoE.Training;

/// <summary>Trains TinyMoE on the CPU from a seed.</summary>
internal sealed class Trainer(ModelShape shape, Recipe recipe, ReadOnlyMemory<byte> text, TextWriter log)
{
    private const int LogEvery = 50;
    private const int SaveEvery = 250;

    /// <summary>Runs the recipe, saving config.json and model.safetensors from time to time and at the end.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="limit">
    /// When the steps would take longer than this, the learning rate follows the clock instead of the step count and the run ends on time. Such
    /// a run is no longer determined by its seed.
    /// </param>
    /// <param name="saved">Called after each save with the steps done and the time taken.</param>
    public void Run(string folder, TimeSpan limit, Action<int, TimeSpan> saved)
    {
        random.manual_seed(recipe.Seed);
        var weights = Initialise();
        var decoder = new Decoder(shape, weights);
        using var optimizer = Optimizer(weights);
        var rule = new RoutingRule(shape.ExpertsPerToken, WeightRule.Renormalize);
        var windows = new Random(recipe.Seed);
        var clock = Stopwatch.StartNew();
        var losses = 0.0;
        var step = 0;
        while (true)
        {
            var progress = Math.Max((double)step / recipe.Steps, clock.Elapsed / limit);
            if (progress >= 1)
                break;
            foreach (var group in optimizer.ParamGroups)
                group.LearningRate = recipe.LearningRate(step, progress);
            losses += Step(decoder, optimizer, rule, windows);
            step++;
            if (step % LogEvery == 0)
            {
                var speed = (double)step * recipe.BatchWindows * recipe.WindowBytes / clock.Elapsed.TotalSeconds;
                log.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"step {step}/{recipe.Steps}  {losses / LogEvery / Math.Log(2):F4} bits per byte  {speed:F0} bytes/s  {clock.Elapsed.TotalMinutes:F1} min"));
                losses = 0;
            }
            if (step % SaveEvery == 0)
                Save();
        }
        Save();

        void Save()
        {
            Checkpoint.SaveModel(folder, shape, weights);
            saved(step, clock.Elapsed);
        }
    }

    private double Step(Decoder decoder, optim.Optimizer optimizer, RoutingRule rule, Random windows)
    {
        using var scope = NewDisposeScope();
        var (inputs, targets) = Batch(windows);
        var balance = zeros(1);
        var logits = decoder.Forward(inputs, rule, trace => balance = balance + trace.BalanceLoss());
        var loss = nn.functional.cross_entropy(logits, targets);
        var total = loss + recipe.BalanceCoefficient * balance;
        optimizer.zero_grad();
        total.backward();
        nn.utils.clip_grad_norm_(decoder.Weights.Values.Cast<Parameter>(), recipe.GradientNormLimit);
        optimizer.step();
        return loss.ToDouble();
    }

    private (Tensor Inputs, Tensor Targets) Batch(Random windows)
    {
        var inputs = new long[recipe.BatchWindows * recipe.WindowBytes];
        var targets = new long[inputs.Length];
        for (var window = 0; window < recipe.BatchWindows; window++)
        {
            var start = windows.Next(text.Length - recipe.WindowBytes);
            var source = text.Span.Slice(start, recipe.WindowBytes + 1);
            for (var i = 0; i < recipe.WindowBytes; i++)
            {
                inputs[window * recipe.WindowBytes + i] = source[i];
                targets[window * recipe.WindowBytes + i] = source[i + 1];
            }
        }
        return (tensor(inputs).reshape(recipe.BatchWindows, recipe.WindowBytes), tensor(targets));
    }

    private Dictionary<string, Tensor> Initialise()
    {
        var weights = new Dictionary<string, Tensor>();
        foreach (var (name, size) in shape.Parameters())
        {
            var value = size.Length == 1 ? ones(size) : randn(size) * Deviation(name);
            weights[name] = new Parameter(value);
        }
        return weights;
    }

    private double Deviation(string name)
    {
        if (IsGate(name))
            return recipe.GateInitialDeviation;
        // The two matrices that write into the residual stream start smaller, or depth would scale its variance.
        var writesResidual = name.EndsWith("o_proj.weight", StringComparison.Ordinal) || name.EndsWith("w2.weight", StringComparison.Ordinal);
        return writesResidual ? recipe.InitialDeviation / Math.Sqrt(2.0 * shape.Layers) : recipe.InitialDeviation;
    }

    private AdamW Optimizer(Dictionary<string, Tensor> weights)
    {
        AdamW.ParamGroup Group(IGrouping<double, KeyValuePair<string, Tensor>> group) =>
            new(group.Select(pair => (Parameter)pair.Value), recipe.PeakLearningRate, recipe.Beta1, recipe.Beta2, weight_decay: group.Key);

        return optim.AdamW([.. weights.GroupBy(WeightDecay).Select(Group)], recipe.PeakLearningRate);
    }

    private double WeightDecay(KeyValuePair<string, Tensor> weight)
    {
        if (weight.Value.dim() == 1)
            return 0;
        return IsGate(weight.Key) ? recipe.GateWeightDecay : recipe.WeightDecay;
    }

    private static bool IsGate(string name) => name.EndsWith("gate.weight", StringComparison.Ordinal);
}
