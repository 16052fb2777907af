using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Server.Tests;

/// <summary>The API over a <see cref="FakeInferenceService"/> on Kestrel, at a free port of the loopback address.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    public const int MaxTokens = 100;
    public const long MaxBodyBytes = 200_000;

    private readonly WebApplication _app;

    private ApiHost(WebApplication app, FakeInferenceService service)
    {
        (_app, Service) = (app, service);
        Address = new Uri(app.Urls.Single());
        Client = new HttpClient { BaseAddress = Address };
    }

    public FakeInferenceService Service { get; }

    public Uri Address { get; }

    public HttpClient Client { get; }

    public IServiceProvider Services => _app.Services;

    public static async Task<ApiHost> StartAsync()
    {
        var service = new FakeInferenceService();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        _ = builder.Logging.ClearProviders();
        _ = builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = MaxBodyBytes);
        _ = builder.Configuration.AddInMemoryCollection([new("serving:max_request_tokens", "100")]);
        _ = builder.Services.AddDynamicMoE(builder.Configuration);
        _ = builder.Services.AddSingleton<IInferenceService>(service);
        WebApplication app = builder.Build();
        _ = app.UseProblems();
        app.MapApi();
        await app.StartAsync();
        return new ApiHost(app, service);
    }

    public Task<Answer> GetAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    public Task<Answer> PostAsync(string path, string json) => PostAsync(path, Encoding.UTF8.GetBytes(json), "application/json");

    public Task<Answer> PostAsync(string path, byte[] body, string type, string? accept = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        if (accept is not null)
        {
            Assert.True(request.Headers.TryAddWithoutValidation("Accept", accept));
        }

        return SendAsync(request);
    }

    /// <summary>Sends a request; the answer is checked against the document of the API.</summary>
    public async Task<Answer> SendAsync(HttpRequestMessage request)
    {
        using HttpResponseMessage response = await Client.SendAsync(request);
        var answer = new Answer(response, await response.Content.ReadAsByteArrayAsync());
        ApiDocument.Check(request, answer);
        return answer;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}

/// <summary>An answer that was read.</summary>
internal sealed class Answer(HttpResponseMessage response, byte[] body)
{
    private readonly Dictionary<string, string> _headers = response.Headers.Concat(response.Content.Headers)
        .ToDictionary(h => h.Key, h => string.Join(", ", h.Value), StringComparer.OrdinalIgnoreCase);

    public HttpStatusCode Status { get; } = response.StatusCode;

    public byte[] Body { get; } = body;

    public string Type => _headers.GetValueOrDefault("Content-Type", "");

    public string Text => Encoding.UTF8.GetString(Body);

    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public string? Header(string name) => _headers.GetValueOrDefault(name);

    /// <summary>The answer is a problem of this status and code.</summary>
    public Answer IsProblem(int status, string code, string? field = null)
    {
        Assert.True((int)Status == status && Json.GetProperty("code").GetString() == code, $"{(int)Status} {Text}");
        Assert.Equal("application/problem+json", Type);
        Assert.Equal(status, Json.GetProperty("status").GetInt32());
        Assert.Equal("urn:dynamicmoe:problem:" + code, Json.GetProperty("type").GetString());
        Assert.NotEmpty(Json.GetProperty("detail").GetString()!);
        if (field is not null)
        {
            Assert.Equal(field, Json.GetProperty("field").GetString());
        }

        return this;
    }

    public Answer IsOk()
    {
        Assert.True(Status == HttpStatusCode.OK, $"{(int)Status} {Text}");
        return this;
    }

    /// <summary>Data of the events.</summary>
    public string[] Events() => [.. Text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)];
}

/// <summary>One host for all tests of a class whose requests leave nothing behind.</summary>
public sealed class SharedHost : IAsyncLifetime
{
    internal ApiHost Host { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Host = await ApiHost.StartAsync();
        Host.Service.Info = Host.Service.Info with
        {
            ChatTemplate = "{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools') }}{% endif %}{{ m.content }}{% endfor %}",
        };
    }

    public Task DisposeAsync() => Host.DisposeAsync().AsTask();
}
