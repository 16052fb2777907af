using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Server;

/// <summary><c>POST /v1/admin/...</c>: what changes the service.</summary>
internal sealed class AdminEndpoints(IInferenceService service, SettingsMonitor settings, IConfiguration configuration, ILogger logger)
{
    /// <summary>Fields of the body of a reload.</summary>
    public static readonly string[] ReloadFields = ["model"];

    private const int MaxPathCharacters = 4096;

    public async Task ReloadAsync(HttpContext context)
    {
        string? path = await JsonBody.ReadOptionalAsync(
            context.Request, ReloadFields, fields => fields.Text("model", 1, MaxPathCharacters), context.RequestAborted).ConfigureAwait(false);
        Expect.Valid(path is null || !path.Contains('\0', StringComparison.Ordinal), "model", $"model is {Printable.Quote(path)}, a path is needed.");
        Log.AdminAction(logger, "reload of the model");
        try
        {
            await service.ReloadModelAsync(path, context.RequestAborted).ConfigureAwait(false);
        }
        catch (DynamicMoEException error) when (error is not ServiceUnavailableException)
        {
            Log.ReloadRefused(logger, error);
            throw new ProblemException(Problems.ReloadRefused(error.Message), error);
        }

        await JsonAnswer.SendAsync(context, new ReloadAnswer(ModelDocument.Of(service.Model)), ApiJsonContext.Default.ReloadAnswer).ConfigureAwait(false);
    }

    public async Task ReloadConfigurationAsync(HttpContext context)
    {
        await ReadNothingAsync(context).ConfigureAwait(false);
        Log.AdminAction(logger, "reload of the configuration");

        // The monitor follows the configuration: it has taken or refused the change when this returns.
        (configuration as IConfigurationRoot)?.Reload();
        SettingsReload? reload = settings.LastReload;
        if (reload?.Error is { } error)
        {
            throw new ProblemException(Problems.ConfigurationRefused(error.Message), error);
        }

        var answer = new ConfigAnswer(ConfigChange.Of(reload?.Applied ?? []), ConfigChange.Of(reload?.AfterRestart ?? []));
        await JsonAnswer.SendAsync(context, answer, ApiJsonContext.Default.ConfigAnswer).ConfigureAwait(false);
    }

    public Task FreezeAsync(HttpContext context) => FreezeAsync(context, frozen: true);

    public Task ThawAsync(HttpContext context) => FreezeAsync(context, frozen: false);

    public async Task ClearCacheAsync(HttpContext context)
    {
        await ReadNothingAsync(context).ConfigureAwait(false);
        Log.AdminAction(logger, "clear of the cache");
        await JsonAnswer.SendAsync(context, new CacheAnswer(service.ClearCache()), ApiJsonContext.Default.CacheAnswer).ConfigureAwait(false);
    }

    private async Task FreezeAsync(HttpContext context, bool frozen)
    {
        await ReadNothingAsync(context).ConfigureAwait(false);
        Log.AdminAction(logger, frozen ? "freeze" : "thaw");
        service.Frozen = frozen;
        await JsonAnswer.SendAsync(context, new FrozenAnswer(service.Frozen), ApiJsonContext.Default.FrozenAnswer).ConfigureAwait(false);
    }

    private static async Task ReadNothingAsync(HttpContext context) =>
        _ = await JsonBody.ReadOptionalAsync(context.Request, [], _ => true, context.RequestAborted).ConfigureAwait(false);
}
