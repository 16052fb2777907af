using System.Numerics.Tensors;
using DynamicMoE;
using DynamicMoE.Hosting;
using DynamicMoE.Models;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

// Arguments: the folder of a checkpoint, a settings file. Each part prints one line; an exception ends the program with a code of its own.
(string checkpoint, string settings) = (args[0], args[1]);
Route();
Generate(checkpoint);
await Serve(checkpoint, settings).ConfigureAwait(false);

static void Route()
{
    using var router = new DynamicRouter(new DynamicRouterOptions { InputDim = 16, NumExperts = 4, MaxExperts = 2, Strategy = RoutingStrategy.Threshold });
    using var layer = new MoELayer(router, new ExpertBankOptions { NumExperts = 4, Hidden = 16, Width = 32 });
    Tensor<float> hidden = Tensor.Create(Enumerable.Range(0, 8 * 16).Select(i => MathF.Sin(i)).ToArray(), [1, 8, 16]);
    MoEResult result = layer.Forward(hidden);
    Console.WriteLine($"layer: {result.Report.Tokens} tokens");
}

static void Generate(string checkpoint)
{
    using MoEModel model = MoEModel.Load(checkpoint);
    model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.5 });
    MoESession session = model.CreateSession(maxPositions: 32);
    IEnumerable<int> tokens = session.Generate(model.Tokenizer!.Encode("The expert "), new GenerationOptions { MaxNewTokens = 4 });
    Console.WriteLine($"model: {tokens.Count()} tokens");
}

static async Task Serve(string checkpoint, string settings)
{
    HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
    builder.Configuration.AddDynamicMoEYaml(settings).AddDynamicMoEEnvironment().AddDynamicMoECommandLine(["router.min_experts=1"]);
    builder.Services.AddDynamicMoE(builder.Configuration).AddModel(checkpoint);
    using IHost host = builder.Build();
    await host.StartAsync().ConfigureAwait(false);
    IInferenceService service = host.Services.GetRequiredService<IInferenceService>();
    await service.WaitUntilReadyAsync().ConfigureAwait(false);

    int tokens = 0;
    await foreach (GenerationUpdate update in service.GenerateAsync(new GenerationRequest { Prompt = "The expert ", MaxTokens = 4 }).ConfigureAwait(false))
    {
        tokens += update.TokenId >= 0 ? 1 : 0;
    }

    await host.StopAsync().ConfigureAwait(false);
    double drain = host.Services.GetRequiredService<SettingsMonitor>().CurrentValue.Serving.DrainSeconds;
    Console.WriteLine($"service: {tokens} tokens, {drain} s to drain");
}
