using System.Text.Json;

namespace DynamicMoE.Server.Tests;

/// <summary>The OpenAPI document, and whether an answer is as it says.</summary>
internal static class ApiDocument
{
    public static JsonElement Root { get; } = JsonDocument.Parse(OpenApiEndpoint.Read()).RootElement;

    public static JsonElement Schema(string name) => Root.GetProperty("components").GetProperty("schemas").GetProperty(name);

    public static IEnumerable<string> Properties(string schema) => Schema(schema).GetProperty("properties").EnumerateObject().Select(p => p.Name);

    /// <summary>Methods and paths, as "GET /v1/models".</summary>
    public static IEnumerable<string> Operations() =>
        from path in Root.GetProperty("paths").EnumerateObject()
        from method in path.Value.EnumerateObject()
        select $"{method.Name.ToUpperInvariant()} {path.Name}";

    /// <summary>Checks a whole answer.</summary>
    public static void Check(HttpRequestMessage request, Answer answer)
    {
        string type = answer.Type.Split(';')[0];
        if (type == "application/problem+json")
        {
            Check(Schema("Problem"), answer.Json, "problem");
            return;
        }

        Assert.True((int)answer.Status < 400, $"{(int)answer.Status} without a problem document: {answer.Text}");
        string path = request.RequestUri!.AbsolutePath;
        path = path.StartsWith("/v1/models/", StringComparison.Ordinal) ? "/v1/models/{id}" : path;
        JsonElement content = Root.GetProperty("paths").GetProperty(path).GetProperty(request.Method.Method.ToLowerInvariant()).GetProperty("responses").GetProperty("200").GetProperty("content");
        Assert.True(content.TryGetProperty(type, out JsonElement media), $"{path} is not documented to answer {type}");
        if (type == "application/json")
        {
            Check(media.GetProperty("schema"), answer.Json, path);
        }
        else if (type == "text/event-stream")
        {
            foreach (string data in answer.Events().Where(e => e.StartsWith("data: {", StringComparison.Ordinal)))
            {
                Check(media.GetProperty("schema"), JsonDocument.Parse(data["data: ".Length..]).RootElement, path);
            }
        }
    }

    private static void Check(JsonElement schema, JsonElement value, string place)
    {
        if (schema.TryGetProperty("$ref", out JsonElement reference))
        {
            schema = Schema(reference.GetString()!.Split('/')[^1]);
        }

        if (schema.TryGetProperty("oneOf", out JsonElement choices))
        {
            schema = choices.EnumerateArray().First(c => c.TryGetProperty("type", out _) == (value.ValueKind == JsonValueKind.Null));
            Check(schema, value, place);
            return;
        }

        CheckType(schema, value, place);
        if (schema.TryGetProperty("const", out JsonElement constant))
        {
            Assert.Equal(constant.GetString(), value.GetString());
        }

        if (schema.TryGetProperty("enum", out JsonElement names))
        {
            Assert.Contains(value.ToString(), names.EnumerateArray().Select(n => n.ToString()));
        }

        if (value.ValueKind == JsonValueKind.Object && schema.TryGetProperty("properties", out JsonElement properties))
        {
            foreach (JsonProperty field in value.EnumerateObject())
            {
                Assert.True(properties.TryGetProperty(field.Name, out JsonElement fieldSchema), $"{place}: {field.Name} is not documented");
                Check(fieldSchema, field.Value, $"{place}.{field.Name}");
            }

            foreach (JsonElement name in schema.TryGetProperty("required", out JsonElement required) ? required.EnumerateArray() : default)
            {
                Assert.True(value.TryGetProperty(name.GetString()!, out _), $"{place}: {name} is missing");
            }
        }

        if (value.ValueKind == JsonValueKind.Array && schema.TryGetProperty("items", out JsonElement items))
        {
            foreach (JsonElement item in value.EnumerateArray())
            {
                Check(items, item, place + "[]");
            }
        }
    }

    private static void CheckType(JsonElement schema, JsonElement value, string place)
    {
        if (!schema.TryGetProperty("type", out JsonElement type))
        {
            return;
        }

        string kind = value.ValueKind switch
        {
            JsonValueKind.Object => "object",
            JsonValueKind.Array => "array",
            JsonValueKind.String => "string",
            JsonValueKind.Number => "number",
            JsonValueKind.Null => "null",
            _ => "boolean",
        };
        string[] allowed = type.ValueKind == JsonValueKind.String ? [type.GetString()!] : [.. type.EnumerateArray().Select(t => t.GetString()!)];
        bool integer = kind == "number" && value.TryGetInt64(out _);
        Assert.True(allowed.Contains(kind) || (integer && allowed.Contains("integer")), $"{place} is {kind}, {string.Join(" or ", allowed)} is documented");
    }
}
