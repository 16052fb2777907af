using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using DynamicMoE.ServiceLoad.Http;
using DynamicMoE.ServiceLoad.Load;

namespace DynamicMoE.ServiceLoad.Fuzz;

/// <summary>Valid bodies, from which the others are made.</summary>
internal sealed class SeedBodies
{
    private const int Dim = 192;
    private const string Json = "application/json", Binary = "application/octet-stream", Safetensors = "application/vnd.safetensors";

    private readonly (string Path, string Type, byte[] Body)[] _all;

    public SeedBodies(int seed)
    {
        var random = new Random(seed);
        _all =
        [
            .. Tensors("/v1/forward", random), .. Tensors("/v1/route", random),
            Text("/v1/completions", """{"model":"TinyMoE","prompt":"the cat","max_tokens":2,"temperature":0.5,"top_p":0.9,"seed":7,"stop":["x","yz"],"quality":0.5,"include_experts":true}"""),
            Text("/v1/completions", """{"prompt":[1,2,3,4],"max_tokens":3,"stream":true,"stream_options":{"include_usage":true},"experts_budget":1.25,"n":1,"user":"u"}"""),
            Text("/v1/completions", """{"prompt":["a\u00e9\n"],"max_tokens":1,"presence_penalty":0,"logit_bias":{},"best_of":1,"echo":false}"""),
            Text("/v1/chat/completions", """{"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"t"}]}],"max_tokens":2}"""),
            Text("/v1/feedback", """{"performance_score":0.5}"""),
            Text("/v1/admin/reload", """{"model":"/nowhere/at all"}"""),
            Text("/v1/admin/freeze", "{}"), Text("/v1/admin/thaw", "{}"), Text("/v1/admin/cache/clear", "{}"), Text("/v1/admin/config/reload", "{}"),
        ];
    }

    public (string Path, string Type, byte[] Body) Pick(Random random) => _all[random.Next(_all.Length)];

    public byte[] Request(Random random)
    {
        if (random.Next(8) == 0)
        {
            return HttpText.Get(random.Next(3) switch { 0 => "/v1/stats", 1 => "/v1/models", _ => "/v1/openapi.json" });
        }

        (string path, string type, byte[] body) = Pick(random);
        return HttpText.Post(path, type, body);
    }

    /// <summary>Whether a body is text.</summary>
    public static bool IsText(string type) => type == Json;

    private static (string, string, byte[]) Text(string path, string json) => (path, Json, Encoding.UTF8.GetBytes(json));

    private static IEnumerable<(string, string, byte[])> Tensors(string path, Random random)
    {
        float[] two = Values(2, random);
        string row = string.Join(',', two.Take(Dim).Select(v => v.ToString("0.###", System.Globalization.CultureInfo.InvariantCulture)));
        yield return Text(path, $$"""{"layer":0,"hidden":[[{{row}}]],"include_routing":true,"include_logits":false,"quality":0.75}""");
        yield return Text(path, $$"""{"hidden":[[[{{row}}],[{{row}}]]],"experts_budget":1.5,"layer":3}""");
        yield return (path, Binary, ForwardCall.Body(two, 2, Dim));
        yield return (path, Binary, ForwardCall.Body(Values(9, random), 9, Dim));
        string header = """{"hidden":{"dtype":"F32","shape":[2,192],"data_offsets":[0,1536]},"__metadata__":{"layer":"1","quality":"0.5"}}""";
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        yield return (path, Safetensors, [.. length, .. Encoding.ASCII.GetBytes(header), .. MemoryMarshal.AsBytes<float>(two)]);
    }

    private static float[] Values(int tokens, Random random) => [.. Enumerable.Range(0, tokens * Dim).Select(_ => (float)((2 * random.NextDouble()) - 1))];
}
