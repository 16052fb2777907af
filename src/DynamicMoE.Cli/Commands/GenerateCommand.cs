using System.CommandLine;
using DynamicMoE.Cli.Models;
using DynamicMoE.Cli.Recording;
using DynamicMoE.Cli.Terminal;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Commands;

/// <summary><c>dmoe generate</c>: continues a prompt and writes the text as it is produced.</summary>
internal static class GenerateCommand
{
    private const int Batch = 512;

    /// <summary>Makes the command.</summary>
    public static Command Create(ToolConsole console)
    {
        var prompt = new Option<string>("--prompt") { Description = "Text to continue.", HelpName = "TEXT", Required = true };
        prompt.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value.Length: 0 }])
            {
                result.AddError("--prompt is empty, at least 1 character is needed");
            }
        });
        Option<string?> model = SharedOptions.Model();
        Option<int> maxTokens = NumberOptions.Whole("--max-tokens", "Most tokens to produce.", 1, 1 << 20, 200);
        Option<double?> budget = NumberOptions.Real(
            "--budget", "Mean experts per token, at most the trained number; default 0.75 of it.", 1, 64);
        var fixedCount = new Option<bool>("--static") { Description = "The trained number of experts for every token." };
        Option<double?> temperature = NumberOptions.Real("--temperature", "0 = the likeliest token each time; default 0.8.", 0, 10);
        Option<int> seed = NumberOptions.Whole("--seed", "Seed of the sampling.", 0, int.MaxValue, 0);
        Option<WeightFormat?> format = SharedOptions.Format(SharedOptions.LoadedFormat);
        Option<int> threads = SharedOptions.Threads();
        var device = new ModelDeviceOptions();
        var record = new RecordOptions();
        Option<string?> calibration = SharedOptions.Calibration();
        Option<bool> verify = SharedOptions.VerifyChecksums();
        var command = new Command("generate", "Continues a prompt, streaming the text.")
        {
            prompt, model, maxTokens, budget, fixedCount, temperature, seed, format, threads, calibration, verify,
        };
        device.AddTo(command);
        record.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetResult(budget) is not null && result.GetValue(fixedCount))
            {
                result.AddError("--budget and --static exclude each other");
            }
            else if (result.GetResult(calibration) is not null && result.GetValue(fixedCount))
            {
                result.AddError("--calibration and --static exclude each other");
            }
        });
        command.SetAction((parsed, cancel) => Task.Run(
            () =>
            {
                var choice = new ModelChoice(parsed.GetValue(model), parsed.GetValue(format), parsed.GetValue(threads))
                {
                    VerifyChecksums = parsed.GetValue(verify),
                    Device = device.Read(parsed),
                };
                var options = new GenerationOptions
                {
                    MaxNewTokens = parsed.GetValue(maxTokens),
                    Temperature = (float)(parsed.GetValue(temperature) ?? 0.8),
                    Seed = parsed.GetValue(seed),
                };
                var dynamic = new DynamicRoutingOptions
                {
                    MeanExpertsPerToken = parsed.GetValue(budget),
                    Calibration = SharedOptions.LoadCalibration(parsed.GetValue(calibration)),
                };
                return RunAsync(
                    console, choice, parsed.GetValue(prompt)!, parsed.GetValue(fixedCount) ? null : dynamic, options, record.Parse(parsed), cancel);
            },
            cancel));
        return command;
    }

    private static async Task<int> RunAsync(
        ToolConsole console, ModelChoice choice, string prompt, DynamicRoutingOptions? dynamic, GenerationOptions options, RunFiles files, CancellationToken cancel)
    {
        files.RequireUsable();
        using MoEModel model = choice.Load(Batch);
        if (dynamic is not null)
        {
            Patch(model, dynamic);
        }

        // Not on the output stream, which has the text and nothing else.
        ComputeDevice device = model.MoELayers[0].Device;
        if (device != ComputeDevice.Cpu)
        {
            console.Error.WriteLine($"MoE layers on {device}");
        }

        // Keys and values of the whole text are allocated at once, so no more than it can need.
        long positions = (long)model.Tokenizer!.Encode(prompt).Count + options.MaxNewTokens;
        MoESession session = model.CreateSession((int)Math.Min(positions, model.Config.MaxPositions));
        using RunRecording recording = files.Attach(model, session, console);
        bool written = false;
        try
        {
            await foreach (string piece in session.GenerateTextAsync(prompt, options, cancel).ConfigureAwait(false))
            {
                written = true;
                await console.Out.WriteAsync(piece).ConfigureAwait(false);
                await console.Out.FlushAsync(cancel).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // What was generated until then can be replayed and compared.
            recording.Complete();
            throw;
        }
        finally
        {
            // An interrupted text ends its line too, so that the shell's prompt starts on its own.
            if (written)
            {
                await console.Out.WriteLineAsync().ConfigureAwait(false);
            }
        }

        recording.Complete();
        return ExitCodes.Ok;
    }

    private static void Patch(MoEModel model, DynamicRoutingOptions options)
    {
        int trained = model.Config.Experts.PerToken;
        if (options.MeanExpertsPerToken is { } budget && budget > trained)
        {
            throw new ToolException(FormattableString.Invariant(
                $"--budget {budget} is outside 1..{trained}, the experts per token that the model was trained with"));
        }

        model.PatchDynamicRouting(options);
    }
}
