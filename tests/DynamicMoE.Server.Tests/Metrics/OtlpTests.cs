using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace DynamicMoE.Server.Tests.Metrics;

[Collection(AloneInProcess.Name)]
public sealed class OtlpTests
{
    [Fact]
    public async Task Endpoint_WhenSet_ReceivesTheMetrics()
    {
        var received = new TaskCompletionSource<(string Path, string Body)>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using WebApplication collector = Collector(received);
        await collector.StartAsync();
        await using RunningServer server = await RunningServer.StartAsync($"monitoring.otlp_endpoint={collector.Urls.Single()}");
        await server.Client.GetStringAsync("/v1/hello");

        // Its result is that of all readers, of which the one for Prometheus has nothing to flush.
        server.Services.GetRequiredService<MeterProvider>().ForceFlush();
        (string path, string body) = await received.Task.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", path);
        Assert.Contains("http.server.request.duration", body, StringComparison.Ordinal);
    }

    // A gRPC server that takes everything: an empty message and status 0.
    private static WebApplication Collector(TaskCompletionSource<(string Path, string Body)> received)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        WebApplication app = builder.Build();
        app.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            context.Response.ContentType = "application/grpc";
            await context.Response.Body.WriteAsync(new byte[5]);
            context.Response.AppendTrailer("grpc-status", "0");
            received.TrySetResult((context.Request.Path, Encoding.Latin1.GetString(body.ToArray())));
        });
        return app;
    }
}
