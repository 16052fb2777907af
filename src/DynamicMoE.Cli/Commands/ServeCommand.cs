using System.CommandLine;
using DynamicMoE.Cli.Configuration;
using DynamicMoE.Cli.Models;
using DynamicMoE.Cli.Terminal;
using DynamicMoE.Hosting;
using DynamicMoE.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DynamicMoE.Cli.Commands;

/// <summary><c>dmoe serve</c>: the HTTP service, until SIGTERM or Ctrl-C.</summary>
internal static class ServeCommand
{
    private const string Name = "serve";
    private static readonly TimeSpan s_reload = TimeSpan.FromSeconds(5);
    private static readonly string[] s_formats = ["text", "json"];

    /// <summary>Makes the command.</summary>
    public static Command Create(ToolConsole console)
    {
        Option<string?> model = SharedOptions.Model();
        Option<string?> file = SharedOptions.FilePath("--config", "YAML file of settings, looked at for changes. Default: config.yaml in the current folder, if there is one.");
        Option<int?> port = NumberOptions.WholeOrNone("--port", "Port of API and page; 0 = a free one.", 0, 65535);
        var bind = new Option<string?>("--bind") { Description = "Address of API and page. One that is not loopback needs keys and TLS.", HelpName = "ADDRESS" };
        var insecure = new Option<bool>("--insecure") { Description = "Lets --bind be public without keys and TLS." };
        var format = new Option<string?>("--log-format") { Description = "How the log is written to the error stream.", HelpName = string.Join('|', s_formats) };
        Option<string[]> set = SharedOptions.Set();
        var command = new Command(Name, "Serves a model over HTTP until SIGTERM or Ctrl-C; what was accepted is finished first.")
        {
            model, file, port, bind, insecure, format, set,
        };
        command.SetAction((parsed, cancellation) =>
        {
            string[] assignments =
            [
                .. parsed.GetValue(set) ?? [],
                .. Assignment("serving.model", parsed.GetValue(model)),
                .. Assignment("server.port", parsed.GetValue(port)?.ToString(System.Globalization.CultureInfo.InvariantCulture)),
                .. Assignment("server.bind", parsed.GetValue(bind)),
                .. Assignment("server.insecure", parsed.GetValue(insecure) ? "true" : null),
                .. Assignment("server.log_format", parsed.GetValue(format)),
            ];
            return RunAsync(console, new ConfigRequest(parsed.GetValue(file), null, assignments), cancellation);
        });
        return command;
    }

    /// <summary>Whether it is asked for. The host then hears signals itself and takes the time that it needs to drain.</summary>
    public static bool Is(ParseResult parsed) => parsed.CommandResult.Command.Name == Name;

    private static async Task<int> RunAsync(ToolConsole console, ConfigRequest request, CancellationToken cancellation)
    {
        DynamicMoESettings settings = request.Read();
        string place = new ModelChoice(settings.Serving.Model, settings.Serving.WeightFormat, Threads: 0).Place;
        request = request with { Assignments = [.. request.Assignments, $"serving.model={place}"] };
        await using WebApplication app = ServerHost.Create(request.Build(s_reload));
        await app.StartAsync(cancellation).ConfigureAwait(false);
        var addresses = app.Services.GetRequiredService<ServerAddresses>();
        await console.Out.WriteLineAsync($"api      {addresses.Api}").ConfigureAwait(false);
        await console.Out.WriteLineAsync($"health   {new Uri(addresses.Health, "/healthz/ready")}").ConfigureAwait(false);
        await console.Out.WriteLineAsync($"metrics  {new Uri(addresses.Metrics, "/metrics")}").ConfigureAwait(false);
        await console.Out.FlushAsync(cancellation).ConfigureAwait(false);
        await app.WaitForShutdownAsync(cancellation).ConfigureAwait(false);
        return app.Services.GetRequiredService<IInferenceService>().State == ServiceState.Failed ? ExitCodes.Failure : ExitCodes.Ok;
    }

    private static string[] Assignment(string key, string? value) => value is null ? [] : [$"{key}={value}"];
}
