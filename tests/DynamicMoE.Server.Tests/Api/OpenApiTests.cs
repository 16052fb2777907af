using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace DynamicMoE.Server.Tests;

/// <summary>The document of the API is what the API is.</summary>
public class OpenApiTests
{
    [Fact]
    public async Task Document_WhenComparedWithEndpoints_HasTheSameOperations()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        IEnumerable<string> mapped =
            from endpoint in host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
            select $"{method} {endpoint.RoutePattern.RawText!.Replace("**", "", StringComparison.Ordinal)}";
        Assert.Equal(ApiDocument.Operations().Order(), mapped.Order());
    }

    [Fact]
    public async Task Document_WhenComparedWithEndpoints_MarksTheAdminOnes()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        IEnumerable<string> mapped = host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<AdminEndpoint>() is not null).Select(e => e.RoutePattern.RawText!);
        IEnumerable<string> documented =
            from path in ApiDocument.Root.GetProperty("paths").EnumerateObject()
            from operation in path.Value.EnumerateObject()
            where operation.Value.TryGetProperty("x-admin", out _)
            select path.Name;
        Assert.Equal(documented.Order(), mapped.Order());
    }

    [Fact]
    public async Task Document_WhenAskedFor_IsTheOneThatIsCheckedIn()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Answer answer = (await host.GetAsync("/v1/openapi.json")).IsOk();
        Assert.Equal(OpenApiEndpoint.Read(), answer.Body);
        Assert.StartsWith("3.1", answer.Json.GetProperty("openapi").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Document_WhenItRefers_RefersToWhatItHas()
    {
        HashSet<string> referred = [];
        Collect(ApiDocument.Root, referred);
        Assert.Equal(ApiDocument.Root.GetProperty("components").GetProperty("schemas").EnumerateObject().Select(s => s.Name).Order(), referred.Order());
    }

    public static TheoryData<string, string[]> Requests => new()
    {
        { "LayerRequest", JsonLayerReader.Fields },
        { "CompletionRequest", CompletionReader.Fields },
        { "ChatRequest", ChatReader.Fields },
        { "FeedbackRequest", FeedbackEndpoint.Fields },
        { "ReloadRequest", AdminEndpoints.ReloadFields },
    };

    [Theory, MemberData(nameof(Requests))]
    public void Document_WhenComparedWithReaders_HasTheSameFields(string schema, string[] fields) => Assert.Equal(fields.Order(), ApiDocument.Properties(schema).Order());

    [Fact]
    public void Document_WhenComparedWithAnswers_HasTheSameFields()
    {
        JsonTypeInfo[] types =
        [
            .. typeof(ApiJsonContext).GetProperties().Where(p => p.PropertyType.IsSubclassOf(typeof(JsonTypeInfo)))
                .Select(p => (JsonTypeInfo)p.GetValue(ApiJsonContext.Default)!)
                .Where(t => t.Kind == JsonTypeInfoKind.Object),
        ];
        Assert.Contains(types, t => t.Type == typeof(CompletionDocument));
        foreach (JsonTypeInfo type in types)
        {
            Assert.Equal(type.Properties.Select(p => p.Name).Order(), ApiDocument.Properties(type.Type.Name).Order());
        }
    }

    private static void Collect(System.Text.Json.JsonElement element, HashSet<string> found)
    {
        if (element.ValueKind == System.Text.Json.JsonValueKind.Object)
        {
            foreach (System.Text.Json.JsonProperty field in element.EnumerateObject())
            {
                if (field.Name == "$ref" && field.Value.GetString()!.Contains("/schemas/", StringComparison.Ordinal))
                {
                    found.Add(field.Value.GetString()!.Split('/')[^1]);
                }

                Collect(field.Value, found);
            }
        }
        else if (element.ValueKind == System.Text.Json.JsonValueKind.Array)
        {
            foreach (System.Text.Json.JsonElement item in element.EnumerateArray())
            {
                Collect(item, found);
            }
        }
    }
}
