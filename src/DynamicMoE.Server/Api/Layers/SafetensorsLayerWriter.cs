using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;
using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary>Writes an answer as a safetensors body.</summary>
internal static class SafetensorsLayerWriter
{
    // Tensor data begins at a multiple of this; the header is filled up with spaces, as the format allows.
    private const int Alignment = 8;

    public static async ValueTask WriteAsync(HttpResponse response, LayerInput input, LayerReply reply, CancellationToken cancellationToken)
    {
        var header = new ArrayBufferWriter<byte>(1024);
        long data = WriteHeader(header, input, reply);
        response.ContentType = MediaTypes.Safetensors;
        response.ContentLength = header.WrittenCount + data;
        PipeWriter output = response.BodyWriter;
        output.Write(header.WrittenSpan);
        await TensorBody.WriteAsync(output, reply.Output, cancellationToken).ConfigureAwait(false);
        await TensorBody.WriteAsync(output, reply.ExpertIndices, cancellationToken).ConfigureAwait(false);
        await TensorBody.WriteAsync(output, reply.ExpertWeights, cancellationToken).ConfigureAwait(false);
        await TensorBody.WriteAsync(output, reply.ExpertsPerToken, cancellationToken).ConfigureAwait(false);
        await TensorBody.WriteAsync(output, reply.ComplexityScores, cancellationToken).ConfigureAwait(false);
        await TensorBody.WriteAsync(output, reply.RouterLogits, cancellationToken).ConfigureAwait(false);
        _ = await output.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private static long WriteHeader(ArrayBufferWriter<byte> output, LayerInput input, LayerReply reply)
    {
        output.Advance(sizeof(ulong));
        long offset = 0;
        using (var json = new Utf8JsonWriter(output, ApiJson.WriterOptions))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__"u8);
            json.WriteString("layer"u8, input.Layer.ToString(CultureInfo.InvariantCulture));
            json.WriteString("mean_experts_per_token"u8, reply.MeanExpertsPerToken.ToString("R", CultureInfo.InvariantCulture));
            json.WriteString("batch_tokens"u8, reply.BatchTokens.ToString(CultureInfo.InvariantCulture));
            json.WriteEndObject();
            WriteTensor(json, "output", "F32", input, reply.Tokens, reply.Output.Length, 1, ref offset);
            WriteTensor(json, "expert_indices", "I32", input, reply.Tokens, reply.ExpertIndices.Length, 1, ref offset);
            WriteTensor(json, "expert_weights", "F32", input, reply.Tokens, reply.ExpertWeights.Length, 1, ref offset);
            WriteTensor(json, "experts_per_token", "I32", input, reply.Tokens, reply.ExpertsPerToken.Length, 0, ref offset);
            WriteTensor(json, "complexity_scores", "F32", input, reply.Tokens, reply.ComplexityScores.Length, 0, ref offset);
            WriteTensor(json, "router_logits", "F32", input, reply.Tokens, reply.RouterLogits.Length, 1, ref offset);
            json.WriteEndObject();
        }

        int spaces = -output.WrittenCount & (Alignment - 1);
        output.GetSpan(spaces)[..spaces].Fill((byte)' ');
        output.Advance(spaces);

        // The first bytes were left free; the writer's own array is behind its memory.
        _ = System.Runtime.InteropServices.MemoryMarshal.TryGetArray(output.WrittenMemory, out ArraySegment<byte> array);
        BinaryPrimitives.WriteInt64LittleEndian(array.AsSpan(), output.WrittenCount - sizeof(ulong));
        return offset;
    }

    private static void WriteTensor(Utf8JsonWriter json, string name, string type, LayerInput input, int tokens, int values, int columns, ref long offset)
    {
        if (values == 0)
        {
            return;
        }

        json.WriteStartObject(name);
        json.WriteString("dtype"u8, type);
        json.WriteStartArray("shape"u8);
        if (input.Batch > 0)
        {
            json.WriteNumberValue(input.Batch);
            json.WriteNumberValue(tokens / input.Batch);
        }
        else
        {
            json.WriteNumberValue(tokens);
        }

        if (columns > 0)
        {
            json.WriteNumberValue(values / tokens);
        }

        json.WriteEndArray();
        json.WriteStartArray("data_offsets"u8);
        json.WriteNumberValue(offset);
        offset += (long)values * sizeof(float);
        json.WriteNumberValue(offset);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
