using System.Net;
using System.Text;

namespace DynamicMoE.Server.Tests;

/// <summary>Bodies that are wrong are refused by name, and none of them reaches the service.</summary>
public sealed class HostileLayerTests(SharedHost shared) : IClassFixture<SharedHost>
{
    private const string Binary = "application/octet-stream", Safetensors = "application/vnd.safetensors";

    private static readonly byte[] OneToken = BinaryBody.Of([1, 2, 3], 3);

    public static TheoryData<string, int, string, string?> Json => new()
    {
        { "", 400, "malformed_json", null },
        { "{", 400, "malformed_json", null },
        { "{\"hidden\":[[1,2,3]]} x", 400, "malformed_json", null },
        { "{\"hidden\":[[1,2,NaN]]}", 400, "malformed_json", null },
        { "{\"hidden\":[[1,2,3],]}", 400, "malformed_json", null },
        { "{\"hidden\":" + new string('[', 5000), 400, "invalid_value", "hidden" },
        { "{\"layer\":" + new string('[', 5000), 400, "invalid_value", "layer" },
        { "[]", 400, "invalid_value", "" },
        { "{}", 400, "missing_field", "hidden" },
        { "{\"hidden\":null}", 400, "invalid_value", "hidden" },
        { "{\"hidden\":[]}", 400, "invalid_value", "hidden" },
        { "{\"hidden\":[[]]}", 400, "invalid_value", "hidden" },
        { "{\"hidden\":[1,2,3]}", 400, "invalid_value", "hidden" },
        { "{\"hidden\":[[1,2,3],[1,2]]}", 400, "invalid_value", "hidden" },
        { "{\"hidden\":[[1,2,3],4]}", 400, "invalid_value", "hidden" },
        { "{\"hidden\":[[1,2,\"3\"]]}", 400, "invalid_value", "hidden" },
        { "{\"hidden\":[[1,2,1e39]]}", 400, "invalid_value", "hidden" },
        { "{\"hidden\":[[1,2,1" + new string('0', 100) + "]]}", 400, "invalid_value", "hidden" },
        { "{\"hidden\":[[1,2]]}", 400, "invalid_value", "hidden" },
        { "{\"hidden\":[[[1,2,3]],[[1,2,3],[1,2,3]]]}", 400, "invalid_value", "hidden" },
        { "{\"hidden\":[[[1,2,3]],[1,2,3]]}", 400, "invalid_value", "hidden" },
        { "{\"hidden\":[[[[1]]]]}", 400, "invalid_value", "hidden" },
        { "{\"hidden\":[[1,2,3]],\"hidden\":[[1,2,3]]}", 400, "duplicate_field", "hidden" },
        { "{\"hidden\":[[1,2,3]],\"hiden\":1}", 400, "unknown_field", "hiden" },
        { "{\"hidden\":[[1,2,3]],\"\\ud800\":1}", 400, "malformed_json", null },
        { "{\"hidden\":[[1,2,3]],\"layer\":2}", 400, "invalid_value", "layer" },
        { "{\"hidden\":[[1,2,3]],\"layer\":-1}", 400, "invalid_value", "layer" },
        { "{\"hidden\":[[1,2,3]],\"layer\":0.5}", 400, "invalid_value", "layer" },
        { "{\"hidden\":[[1,2,3]],\"layer\":99999999999}", 400, "invalid_value", "layer" },
        { "{\"hidden\":[[1,2,3]],\"quality\":1.01}", 400, "invalid_value", "quality" },
        { "{\"hidden\":[[1,2,3]],\"quality\":1e999}", 400, "invalid_value", "quality" },
        { "{\"hidden\":[[1,2,3]],\"quality\":\"1\"}", 400, "invalid_value", "quality" },
        { "{\"hidden\":[[1,2,3]],\"experts_budget\":2.5}", 400, "invalid_value", "experts_budget" },
        { "{\"hidden\":[[1,2,3]],\"experts_budget\":1,\"quality\":1}", 400, "invalid_value", "experts_budget" },
        { "{\"hidden\":[[1,2,3]],\"include_routing\":1}", 400, "invalid_value", "include_routing" },
        { "{\"hidden\":[[1,2,3]],\"include_logits\":true}", 400, "invalid_value", "include_logits" },
        { "{\"hidden\":[[1,2,3]],\"layer\":1}", 422, "layer_only_routes", "layer" },
        { "{\"hidden\":[" + string.Join(',', Enumerable.Repeat("[1,2,3]", 101)) + "]}", 413, "too_many_tokens", "hidden" },
    };

    [Theory, MemberData(nameof(Json))]
    public async Task Forward_WhenJsonIsWrong_IsRefused(string body, int status, string code, string? field)
    {
        ApiHost host = shared.Host;
        int before = host.Service.Calls;
        _ = (await host.PostAsync("/v1/forward", body)).IsProblem(status, code, field);
        Assert.Equal(before, host.Service.Calls);
    }

    [Fact]
    public async Task Forward_WhenJsonBreaks_TellsLineAndPosition()
    {
        ApiHost host = shared.Host;
        Answer answer = (await host.PostAsync("/v1/forward", "{\n  \"hidden\": [[1,2,oops]]}")).IsProblem(400, "malformed_json");
        Assert.Equal((2, 19), (answer.Json.GetProperty("line").GetInt32(), answer.Json.GetProperty("position").GetInt32()));
        Assert.DoesNotContain("LineNumber", answer.Text, StringComparison.Ordinal);
    }

    public static TheoryData<byte[], int, string, string?> Headers
    {
        get
        {
            static byte[] With(int place, byte value)
            {
                byte[] body = [.. OneToken];
                body[place] = value;
                return body;
            }

            return new()
            {
                { [], 400, "malformed_binary", null },
                { OneToken[..39], 400, "malformed_binary", null },
                { OneToken[..40], 400, "malformed_binary", "tokens" },
                { OneToken[..51], 400, "malformed_binary", "tokens" },
                { [.. OneToken, 0], 400, "malformed_binary", "tokens" },
                { With(0, (byte)'X'), 400, "malformed_binary", "magic" },
                { With(4, 2), 400, "malformed_binary", "version" },
                { With(6, 2), 400, "malformed_binary", "kind" },
                { With(8, 9), 400, "invalid_value", "layer" },
                { With(11, 255), 400, "invalid_value", "layer" },
                { With(12, 0), 400, "invalid_value", "hidden" },
                { With(12, 2), 400, "malformed_binary", "tokens" },
                { With(15, 255), 413, "too_many_tokens", "hidden" },
                { With(16, 4), 400, "invalid_value", "hidden" },
                { With(19, 255), 400, "invalid_value", "hidden" },
                { With(20, 7), 400, "malformed_binary", "dtype" },
                { With(22, 4), 400, "malformed_binary", "flags" },
                { With(28, 1), 400, "malformed_binary", "reserved" },
                { BinaryBody.Of([1, 2, 3], 3, quality: -0.1f), 400, "invalid_value", "quality" },
                { BinaryBody.Of([1, 2, 3], 3, quality: float.PositiveInfinity), 400, "invalid_value", "quality" },
                { BinaryBody.Of([1, 2, 3], 3, budget: 1e300), 400, "invalid_value", "experts_budget" },
                { BinaryBody.Of([1, 2, float.NaN], 3), 400, "invalid_value", "hidden" },
                { BinaryBody.Of([1, float.NegativeInfinity, 2], 3), 400, "invalid_value", "hidden" },
            };
        }
    }

    [Theory, MemberData(nameof(Headers))]
    public async Task Forward_WhenBinaryIsWrong_IsRefused(byte[] body, int status, string code, string? field)
    {
        ApiHost host = shared.Host;
        int before = host.Service.Calls;
        _ = (await host.PostAsync("/v1/forward", body, Binary)).IsProblem(status, code, field);
        _ = (await host.SendAsync(Unsized("/v1/forward", body, Binary))).IsProblem(status, code, field);
        Assert.Equal(before, host.Service.Calls);
    }

    [Fact]
    public async Task Forward_WhenBinaryCameInChunks_IsTaken()
    {
        ApiHost host = shared.Host;
        Answer answer = (await host.SendAsync(Unsized("/v1/forward", OneToken, Binary))).IsOk();
        Assert.Equal(52, answer.Body.Length);
    }

    public static TheoryData<byte[], string> Files => new()
    {
        { [], "malformed_safetensors" },
        { new byte[8], "malformed_safetensors" },
        { BinaryBody.Safetensors("{}", [], ulong.MaxValue), "malformed_safetensors" },
        { BinaryBody.Safetensors("{}", [], 100), "malformed_safetensors" },
        { BinaryBody.Safetensors("{}", []), "missing_field" },
        { BinaryBody.Safetensors("""{"other":{"dtype":"F32","shape":[1,3],"data_offsets":[0,12]}}""", new byte[12]), "malformed_safetensors" },
        { BinaryBody.Safetensors("""{"hidden":{"dtype":"F32","shape":[1,3],"data_offsets":[0,12]}}""", new byte[11]), "malformed_safetensors" },
        { BinaryBody.Safetensors("""{"hidden":{"dtype":"F32","shape":[1,3],"data_offsets":[0,12]}}""", new byte[13]), "malformed_safetensors" },
        { BinaryBody.Safetensors("""{"hidden":{"dtype":"I32","shape":[1,3],"data_offsets":[0,12]}}""", new byte[12]), "malformed_safetensors" },
        { BinaryBody.Safetensors("""{"hidden":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", new byte[12]), "malformed_safetensors" },
        { BinaryBody.Safetensors("""{"hidden":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", []), "malformed_safetensors" },
        { BinaryBody.Safetensors("""{"hidden":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]}}""", []), "invalid_value" },
        { BinaryBody.Safetensors("""{"hidden":{"dtype":"F32","shape":[3,0],"data_offsets":[0,0]}}""", []), "invalid_value" },
        { BinaryBody.Safetensors("""{"__metadata__":{"layers":"0"},"hidden":{"dtype":"F32","shape":[1,3],"data_offsets":[0,12]}}""", new byte[12]), "unknown_field" },
        { BinaryBody.Safetensors("""{"__metadata__":{"quality":"NaN"},"hidden":{"dtype":"F32","shape":[1,3],"data_offsets":[0,12]}}""", new byte[12]), "invalid_value" },
        { BinaryBody.Safetensors("""{"__metadata__":{"layer":"7"},"hidden":{"dtype":"F32","shape":[1,3],"data_offsets":[0,12]}}""", new byte[12]), "invalid_value" },
        { BinaryBody.Safetensors("""{"hidden":{"dtype":"F16","shape":[1,3],"data_offsets":[0,6]}}""", [0, 0, 0, 0, 0, 0x7c]), "invalid_value" },
    };

    [Theory, MemberData(nameof(Files))]
    public async Task Forward_WhenSafetensorsIsWrong_IsRefused(byte[] body, string code)
    {
        ApiHost host = shared.Host;
        int before = host.Service.Calls;
        _ = (await host.PostAsync("/v1/forward", body, Safetensors)).IsProblem(400, code);
        Assert.Equal(before, host.Service.Calls);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("multipart/form-data")]
    public async Task Forward_WhenTypeIsAnother_IsRefused(string type)
    {
        ApiHost host = shared.Host;
        int before = host.Service.Calls;
        _ = (await host.PostAsync("/v1/forward", OneToken, type)).IsProblem(415, "unsupported_media_type", "Content-Type");
        Assert.Equal(before, host.Service.Calls);
    }

    [Fact]
    public async Task Forward_WhenCompressed_IsRefused()
    {
        ApiHost host = shared.Host;
        HttpRequestMessage request = new(HttpMethod.Post, "/v1/forward") { Content = new ByteArrayContent(OneToken) };
        request.Content.Headers.ContentType = new(Binary);
        request.Content.Headers.ContentEncoding.Add("gzip");
        _ = (await host.SendAsync(request)).IsProblem(415, "unsupported_content_encoding");
    }

    [Fact]
    public async Task Forward_WhenNoTypeIsAcceptable_IsRefused()
    {
        ApiHost host = shared.Host;
        int before = host.Service.Calls;
        _ = (await host.PostAsync("/v1/forward", OneToken, Binary, "image/png")).IsProblem(406, "not_acceptable", "Accept");
        _ = (await host.PostAsync("/v1/forward", OneToken, Binary, "application/json;q=0")).IsProblem(406, "not_acceptable", "Accept");
        Assert.Equal(before, host.Service.Calls);
    }

    [Theory]
    [InlineData("/v1/forward", "application/json", false)]
    [InlineData("/v1/forward", "application/json", true)]
    [InlineData("/v1/forward", "application/vnd.safetensors", true)]
    [InlineData("/v1/completions", "application/json", true)]
    public async Task Body_WhenAboveTheLimit_IsRefused(string path, string type, bool chunked)
    {
        ApiHost host = shared.Host;
        int before = host.Service.Calls;
        byte[] body = Encoding.ASCII.GetBytes("{\"hidden\":[[" + new string(' ', (int)ApiHost.MaxBodyBytes) + "1,2,3]]}");
        Answer answer = (chunked ? await host.SendAsync(Unsized(path, body, type)) : await host.PostAsync(path, body, type)).IsProblem(413, "body_too_large");
        Assert.Contains("200000", answer.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(before, host.Service.Calls);
    }

    private static HttpRequestMessage Unsized(string path, byte[] body, string type)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new UnsizedContent(body) };
        request.Content.Headers.ContentType = new(type);
        request.Headers.TransferEncodingChunked = true;
        return request;
    }

    // Sends its bytes in small parts and does not say how many there are.
    private sealed class UnsizedContent(byte[] body) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (int i = 0; i < body.Length; i += Math.Max(7, body.Length / 10))
            {
                await stream.WriteAsync(body.AsMemory(i, Math.Min(Math.Max(7, body.Length / 10), body.Length - i)));
                await stream.FlushAsync();
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
