using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DynamicMoE.ServiceLoad.Http;

namespace DynamicMoE.ServiceLoad.Fuzz;

/// <summary>Whole HTTP requests with bodies that were valid once.</summary>
internal static class Mutations
{
    private static readonly string[] s_values =
    [
        "null", "true", "0", "-1", "1.5", "1e999", "-0.0", "2147483648", "9223372036854775808", "1e-400", "\"\"", "\"x\"", "\"\\ud800\"", "\"\\u0000\"", "[]", "{}", "[[]]", "[null]", "[[[[1]]]]",
        "{\"a\":{\"b\":[1,2,{}]}}", "\"NaN\"", "0.30000000000000004", "[1,\"2\",null,true]", "4294967295", "-9223372036854775808", "\"512\"", "400",
    ];

    private static readonly string[] s_types =
    [
        "application/json", "application/octet-stream", "application/vnd.safetensors", "text/plain", "application/json; charset=utf-16", "*/*", "application/x-safetensors", "x", "application/xml",
    ];

    private static readonly string[] s_accepts = ["*/*", "application/json", "application/octet-stream", "application/vnd.safetensors", "text/html", "application/json;q=0", "a/b, */*;q=0.1", ";"];
    private static readonly string[] s_paths = ["/v1/forward", "/v1/route", "/v1/completions", "/v1/chat/completions", "/v1/feedback", "/v1/models/x", "/v1/nothing", "/", "/v1/admin/freeze", "/V1/STATS"];

    public static byte[] Make(Random random, SeedBodies seeds)
    {
        (string path, string type, byte[] body) = seeds.Pick(random);
        int changes = random.Next(1, 4);
        for (int i = 0; i < changes; i++)
        {
            body = SeedBodies.IsText(type) && random.Next(4) > 0 ? ChangeValue(body, random) : ChangeBytes(body, random);
        }

        // Whole paths to whole bodies of others, and types that lie.
        path = random.Next(12) == 0 ? s_paths[random.Next(s_paths.Length)] : path;
        type = random.Next(12) == 0 ? s_types[random.Next(s_types.Length)] : type;
        string method = random.Next(30) == 0 ? "PUT" : "POST", accept = random.Next(6) == 0 ? $"Accept: {s_accepts[random.Next(s_accepts.Length)]}\r\n" : "";
        return HttpText.Request(method, path, $"Content-Type: {type}\r\n{accept}", body);
    }

    // What two changes have made of a body may be no JSON any more, or have a field twice.
    private static byte[] ChangeValue(byte[] body, Random random)
    {
        try
        {
            return JsonNode.Parse(body) is JsonObject { Count: > 0 } fields ? ChangeField(fields, random) : Encoding.UTF8.GetBytes(s_values[random.Next(s_values.Length)]);
        }
        catch (Exception error) when (error is JsonException or ArgumentException or InvalidOperationException)
        {
            return ChangeBytes(body, random);
        }
    }

    // Another value at a place, a field too much, one gone, one twice.
    private static byte[] ChangeField(JsonObject fields, Random random)
    {
        string name = fields.ElementAt(random.Next(fields.Count)).Key, value = Value(random);
        string text = fields.ToJsonString();
        switch (random.Next(6))
        {
            case 0:
                fields.Remove(name);
                return Encoding.UTF8.GetBytes(fields.ToJsonString());
            case 1:
                return Encoding.UTF8.GetBytes($"{text[..^1]},{JsonSerializer.Serialize(name)}:{value}}}");
            case 2:
                return Encoding.UTF8.GetBytes($"{text[..^1]},\"field{random.Next(10)}\":{value}}}");
            case 3 when fields[name] is JsonArray { Count: > 0 } array:
                return ReplaceElement(fields, array, value, random);
            default:
                return Replace(fields, name, value);
        }
    }

    private static byte[] Replace(JsonObject fields, string name, string value)
    {
        // Text, since not every value here is one that the library would write.
        string members = string.Join(',', fields.Select(f => $"{JsonSerializer.Serialize(f.Key)}:{(f.Key == name ? value : f.Value?.ToJsonString() ?? "null")}"));
        return Encoding.UTF8.GetBytes($"{{{members}}}");
    }

    private static byte[] ReplaceElement(JsonObject fields, JsonArray array, string value, Random random)
    {
        JsonArray inner = array;
        while (inner[0] is JsonArray { Count: > 0 } deeper)
        {
            inner = deeper;
        }

        int at = random.Next(inner.Count);
        const string Mark = "the place of another value";
        inner[at] = Mark;
        return Encoding.UTF8.GetBytes(fields.ToJsonString().Replace($"\"{Mark}\"", value, StringComparison.Ordinal));
    }

    private static string Value(Random random) => random.Next(12) switch
    {
        0 => new string('[', 90) + new string(']', 90),
        1 => $"\"{new string('s', random.Next(1, 3000))}\"",
        2 => $"[{string.Join(',', Enumerable.Repeat("1", random.Next(1, 600)))}]",
        _ => s_values[random.Next(s_values.Length)],
    };

    private static byte[] ChangeBytes(byte[] body, Random random)
    {
        if (body.Length == 0)
        {
            return [(byte)random.Next(256)];
        }

        byte[] changed = [.. body];
        int at = random.Next(3) == 0 ? random.Next(Math.Min(48, body.Length)) : random.Next(body.Length);
        switch (random.Next(5))
        {
            case 0:
                return changed[..at];
            case 1:
                changed[at] = (byte)random.Next(256);
                return changed;
            case 2:
                // Four bytes that are an infinity, a NaN, the greatest or the smallest integer.
                byte[] word = random.Next(4) switch { 0 => [0, 0, 0x80, 0x7F], 1 => [0, 0, 0xC0, 0x7F], 2 => [0xFF, 0xFF, 0xFF, 0x7F], _ => [0, 0, 0, 0x80] };
                word.AsSpan(0, Math.Min(4, body.Length - at)).CopyTo(changed.AsSpan(at));
                return changed;
            case 3:
                return [.. changed.AsSpan(0, at), .. changed.AsSpan(at / 2)];
            default:
                changed[at] ^= (byte)(1 << random.Next(8));
                return changed;
        }
    }
}
