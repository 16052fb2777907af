using DynamicMoE.Hosting;

HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Services.AddDynamicMoE(builder.Configuration.GetSection("DynamicMoE")).AddInferenceService();
builder.Services.AddHostedService<Worker>();
builder.Build().Run();

/// <summary>Routes one batch through the service and stops the host.</summary>
internal sealed class Worker(IInferenceService service, IHostApplicationLifetime lifetime) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await service.WaitUntilReadyAsync(stoppingToken);
        float[] hidden = [.. Enumerable.Range(0, 8 * 16).Select(i => MathF.Sin(i))];
        LayerReply reply = await service.RouteAsync(new LayerRequest { Hidden = hidden, Tokens = 8 }, stoppingToken);
        Console.WriteLine($"routed {reply.ExpertsPerToken.Length} tokens, at most {reply.ExpertsPerToken.Max()} experts each");
        lifetime.StopApplication();
    }
}
