using System.Buffers;
using DynamicMoE.Hosting;
using DynamicMoE.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Benchmarks.Hosting;

/// <summary>The service over one random layer, and beside it a bare endpoint that reads a body and answers as many bytes; in a process of its own, until its input ends.</summary>
internal static class HostedLayer
{
    /// <summary>A layer as both sides of the comparison have it: static top-k, so that both do the same products.</summary>
    public static MoELayer Create(LayerShape shape, WeightFormat format)
    {
        GateWeights gate = GateWeights.CreateRandom(
            new GateOptions { InputDim = shape.Hidden, NumExperts = shape.Experts, TrainedExperts = shape.ExpertsPerToken }, seed: 1);
        ExpertBank experts = ExpertBank.CreateRandom(
            new ExpertBankOptions { NumExperts = shape.Experts, Hidden = shape.Hidden, Width = shape.Width, Format = format }, seed: 2);
        var router = new DynamicRouter(gate, new DynamicRouterOptions
        {
            MinExperts = shape.ExpertsPerToken,
            MaxExperts = shape.ExpertsPerToken,
            ComplexityEstimator = ComplexityEstimators.RouterMargin,
            LoadBalancing = false,
        });
        return new MoELayer(router, experts);
    }

    public static async Task ServeAsync(LayerShape shape, WeightFormat format)
    {
        IConfigurationRoot configuration = new ConfigurationBuilder()
            .AddDynamicMoECommandLine(["server.port=0", "monitoring.health_port=0", "monitoring.metrics_port=0", "security.rate_limit=0", "runtime.log_level=warning"])
            .Build();
        await using WebApplication app = ServerHost.Create(configuration, new ServerHostOptions
        {
            ConfigureServices = services => services.AddSingleton(Create(shape, format)),
            ConfigureLogging = logging => logging.SetMinimumLevel(LogLevel.Warning),
            MapEndpoints = routes => routes.Map("/bare", AnswerBareAsync),
        });
        await app.StartAsync().ConfigureAwait(false);
        await app.Services.GetRequiredService<IInferenceService>().WaitUntilReadyAsync().ConfigureAwait(false);
        Console.WriteLine(app.Services.GetRequiredService<ServerAddresses>().Api);
        _ = await Console.In.ReadToEndAsync().ConfigureAwait(false);
        await app.StopAsync().ConfigureAwait(false);
    }

    private static async Task AnswerBareAsync(HttpContext context)
    {
        byte[] body = ArrayPool<byte>.Shared.Rent((int)context.Request.ContentLength!.Value);
        try
        {
            int length = (int)context.Request.ContentLength.Value;
            await context.Request.Body.ReadExactlyAsync(body.AsMemory(0, length), context.RequestAborted).ConfigureAwait(false);
            context.Response.ContentType = "application/octet-stream";
            context.Response.ContentLength = length;
            await context.Response.Body.WriteAsync(body.AsMemory(0, length), context.RequestAborted).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(body);
        }
    }
}
