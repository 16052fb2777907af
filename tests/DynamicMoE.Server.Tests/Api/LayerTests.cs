using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using DynamicMoE.Models;

namespace DynamicMoE.Server.Tests;

/// <summary>Route and forward in their three formats.</summary>
public class LayerTests
{
    private const string Binary = "application/octet-stream", Safetensors = "application/vnd.safetensors";

    private static readonly float[] Two = [1, 2, 3, -0.5f, 0.25f, 1e-6f];

    [Fact]
    public async Task Forward_WhenJson_AnswersOutputAndRoutingInRows()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Answer answer = (await host.PostAsync("/v1/forward", """{"include_routing":true,"quality":0.5,"hidden":[[1,2,3],[-0.5,0.25,1e-6]],"layer":0}""")).IsOk();
        Assert.Equal("[[2,4,6],[-1,0.5,2E-06]]", answer.Json.GetProperty("output").GetRawText());
        Assert.Equal("[[1,3],[1,3]]", answer.Json.GetProperty("expert_indices").GetRawText());
        Assert.Equal("[2,2]", answer.Json.GetProperty("experts_per_token").GetRawText());
        Assert.Equal((2, 0.5f, null), (host.Service.LastLayer!.Tokens, host.Service.LastLayer.Quality, host.Service.LastLayer.ExpertsBudget));
    }

    [Fact]
    public async Task Answer_WhenSent_HasItsHeaders()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Answer answer = (await host.PostAsync("/v1/route", """{"hidden":[[1,2,3]]}""")).IsOk();
        Assert.Equal("1.75", answer.Header("DynamicMoE-Mean-Experts"));
        Assert.Equal("2", answer.Header("DynamicMoE-Batch-Tokens"));
        Assert.Equal("queue;dur=0.25", answer.Header("Server-Timing"));
        Assert.Null(answer.Header("DynamicMoE-Experts-Ceiling"));
        host.Service.Ceiling = 1.25;
        Assert.Equal("1.25", (await host.PostAsync("/v1/route", """{"hidden":[[1,2,3]]}""")).Header("DynamicMoE-Experts-Ceiling"));
    }

    [Fact]
    public async Task Forward_WhenJsonHasBatches_AnswersInBatches()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Answer answer = (await host.PostAsync("/v1/forward", """{"hidden":[[[1,2,3],[4,5,6]],[[0,0,0],[1,1,1]]],"include_routing":true}""")).IsOk();
        Assert.Equal("[[[2,4,6],[8,10,12]],[[0,0,0],[2,2,2]]]", answer.Json.GetProperty("output").GetRawText());
        Assert.Equal("[[2,2],[2,2]]", answer.Json.GetProperty("experts_per_token").GetRawText());
    }

    [Fact]
    public async Task Forward_WhenBinary_AnswersBinary()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Answer answer = (await host.PostAsync("/v1/forward", BinaryBody.Of(Two, 3, flags: 1, budget: 1.5), Binary)).IsOk();
        byte[] body = answer.Body;
        Assert.Equal("DMOE", Encoding.ASCII.GetString(body, 0, 4));
        Assert.Equal((1, 2), (BinaryPrimitives.ReadUInt16LittleEndian(body.AsSpan(4)), BinaryPrimitives.ReadUInt16LittleEndian(body.AsSpan(6))));
        Assert.Equal([0, 2, 3], Ints(body, 8, 3));
        Assert.Equal(1, BinaryPrimitives.ReadUInt16LittleEndian(body.AsSpan(22)));
        Assert.Equal([2, 0], Ints(body, 24, 2));
        Assert.Equal(1.75, BinaryPrimitives.ReadDoubleLittleEndian(body.AsSpan(32)));
        Assert.Equal(Array.ConvertAll(Two, x => 2 * x), Floats(body, 40, 6));
        Assert.Equal([1, 3, 1, 3], Ints(body, 64, 4));
        Assert.Equal([0.75f, 0.25f, 0.75f, 0.25f], Floats(body, 80, 4));
        Assert.Equal([2, 2], Ints(body, 96, 2));
        Assert.Equal([0.5f, 0.5f], Floats(body, 104, 2));
        Assert.Equal(112, body.Length);
        Assert.Equal(1.5, host.Service.LastLayer!.ExpertsBudget);
        Assert.Null(host.Service.LastLayer.Quality);
    }

    [Fact]
    public async Task Route_WhenBinaryIsBFloat16_WidensIt()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        byte[] body = BinaryBody.Header(2, 3, type: 2, flags: 2, quality: 1);
        byte[] values = MemoryMarshal.AsBytes<ushort>([.. new float[] { 1, 2, 3, -0.5f, 0.25f, 8 }.Select(x => (ushort)(BitConverter.SingleToUInt32Bits(x) >> 16))]).ToArray();
        Answer answer = (await host.PostAsync("/v1/route", [.. body, .. values], Binary, "application/json")).IsOk();
        Assert.Equal("[[0,1,2,3],[4,5,6,7]]", answer.Json.GetProperty("router_logits").GetRawText());
        Assert.Equal(1, host.Service.LastLayer!.Quality);
    }

    [Fact]
    public async Task Forward_WhenSafetensors_AnswersSafetensors()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        string header = """{"__metadata__":{"include_routing":"true","format":"pt"},"hidden":{"dtype":"F32","shape":[2,1,3],"data_offsets":[0,24]}}""";
        Answer answer = (await host.PostAsync("/v1/forward", BinaryBody.Safetensors(header, MemoryMarshal.AsBytes<float>(Two)), "application/x-safetensors")).IsOk();
        Assert.Equal(Safetensors, answer.Type);
        using SafetensorsFile file = SafetensorsFile.Read(answer.Body, "answer");
        var output = new float[6];
        file.ReadFloat32(file.Tensors["output"], output);
        Assert.Equal(Array.ConvertAll(Two, x => 2 * x), output);
        Assert.Equal([2L, 1, 2], file.Tensors["expert_indices"].Shape);
        Assert.Equal(TensorType.I32, file.Tensors["expert_indices"].Type);
        Assert.Equal([2L, 1], file.Tensors["experts_per_token"].Shape);
        Assert.Equal("1.75", file.Metadata["mean_experts_per_token"]);
    }

    [Theory]
    [InlineData("*/*", Binary)]
    [InlineData("application/json;q=0.5, application/*;q=0.1", "application/json")]
    [InlineData("text/html, application/x-safetensors", Safetensors)]
    public async Task Answer_WhenAcceptNamesTypes_HasTheBest(string accept, string type)
    {
        await using ApiHost host = await ApiHost.StartAsync();
        Assert.Equal(type, (await host.PostAsync("/v1/forward", BinaryBody.Of(Two, 3), Binary, accept)).IsOk().Type);
    }

    [Fact]
    public async Task Forward_WhenLarge_AnswersEveryValue()
    {
        await using ApiHost host = await ApiHost.StartAsync();
        host.Service.Info = host.Service.Info with { Layers = [new(0, 400, 4, 1, 4, 2, true)] };
        float[] values = [.. Enumerable.Range(0, 100 * 400).Select(i => i * 0.5f)];
        Answer binary = (await host.PostAsync("/v1/forward", BinaryBody.Of(values, 400), Binary)).IsOk();
        Assert.Equal(Array.ConvertAll(values, x => 2 * x), Floats(binary.Body, 40, values.Length));
        Answer json = (await host.PostAsync("/v1/forward", BinaryBody.Of(values, 400), Binary, "application/json")).IsOk();
        Assert.Equal(Array.ConvertAll(values, x => 2 * x), json.Json.GetProperty("output").EnumerateArray().SelectMany(r => r.EnumerateArray()).Select(v => v.GetSingle()));
    }

    private static int[] Ints(byte[] body, int first, int count) => MemoryMarshal.Cast<byte, int>(body.AsSpan(first, 4 * count)).ToArray();

    private static float[] Floats(byte[] body, int first, int count) => MemoryMarshal.Cast<byte, float>(body.AsSpan(first, 4 * count)).ToArray();
}
