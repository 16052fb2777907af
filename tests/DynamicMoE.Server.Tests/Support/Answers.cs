using System.Net;
using System.Text.Json;

namespace DynamicMoE.Server.Tests;

/// <summary>Short forms of requests and answers.</summary>
internal static class Answers
{
    public static HttpRequestMessage With(this HttpRequestMessage request, string header, string value)
    {
        request.Headers.TryAddWithoutValidation(header, value);
        return request;
    }

    public static HttpRequestMessage WithKey(this HttpRequestMessage request, string key) => request.With("Authorization", $"Bearer {key}");

    public static HttpRequestMessage Get(string path) => new(HttpMethod.Get, path);

    public static HttpRequestMessage Post(string path) => new(HttpMethod.Post, path) { Content = new ByteArrayContent([1]) };

    public static async Task<HttpStatusCode> StatusAsync(this HttpClient client, HttpRequestMessage request)
    {
        using HttpResponseMessage response = await client.SendAsync(request);
        return response.StatusCode;
    }

    /// <summary>The code of a problem document, whose status is that of the answer.</summary>
    public static async Task<string> ProblemAsync(this HttpResponseMessage response)
    {
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        using JsonDocument document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        string code = document.RootElement.GetProperty("code").GetString()!;
        Assert.Equal((int)response.StatusCode, document.RootElement.GetProperty("status").GetInt32());
        Assert.Equal($"urn:dynamicmoe:problem:{code}", document.RootElement.GetProperty("type").GetString());
        return code;
    }
}
