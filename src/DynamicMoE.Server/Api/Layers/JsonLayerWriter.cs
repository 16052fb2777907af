using System.IO.Pipelines;
using System.Text.Json;
using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary>Writes an answer as JSON, with tensors nested as the request had them.</summary>
internal static class JsonLayerWriter
{
    // What is buffered before the connection is waited for.
    private const int FlushBytes = 1 << 16;

    public static async ValueTask WriteAsync(HttpResponse response, LayerInput input, LayerReply reply, CancellationToken cancellationToken)
    {
        response.ContentType = MediaTypes.Json;
        PipeWriter output = response.BodyWriter;
        await using var json = new Utf8JsonWriter(output, ApiJson.WriterOptions);
        json.WriteStartObject();
        json.WriteNumber("layer"u8, input.Layer);
        json.WriteNumber("tokens"u8, reply.Tokens);
        json.WriteNumber("mean_experts_per_token"u8, reply.MeanExpertsPerToken);
        json.WriteNumber("batch_tokens"u8, reply.BatchTokens);
        json.WritePropertyName("experts_ceiling"u8);
        json.WriteFinite((float)(reply.ExpertsCeiling ?? double.NaN));
        json.WriteNumber("waited_us"u8, Math.Round(reply.Waited.TotalMicroseconds, 1));
        var rows = new Rows(json, output, reply.Tokens, input.Batch);
        await rows.WriteAsync("output", reply.Output, cancellationToken).ConfigureAwait(false);
        await rows.WriteAsync("expert_indices", reply.ExpertIndices, cancellationToken).ConfigureAwait(false);
        await rows.WriteAsync("expert_weights", reply.ExpertWeights, cancellationToken).ConfigureAwait(false);
        await rows.WriteAsync("experts_per_token", reply.ExpertsPerToken, cancellationToken, scalars: true).ConfigureAwait(false);
        await rows.WriteAsync("complexity_scores", reply.ComplexityScores, cancellationToken, scalars: true).ConfigureAwait(false);
        await rows.WriteAsync("router_logits", reply.RouterLogits, cancellationToken).ConfigureAwait(false);
        json.WriteEndObject();
        await json.FlushAsync(cancellationToken).ConfigureAwait(false);
        _ = await output.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private readonly struct Rows(Utf8JsonWriter json, PipeWriter output, int tokens, int batch)
    {
        public async ValueTask WriteAsync<T>(string name, T[] values, CancellationToken cancellationToken, bool scalars = false)
            where T : unmanaged
        {
            if (values.Length == 0)
            {
                return;
            }

            json.WriteStartArray(name);
            int columns = values.Length / tokens, perBatch = batch > 0 ? tokens / batch : int.MaxValue;
            for (int token = 0; token < tokens; token++)
            {
                if (token % perBatch == 0 && batch > 0)
                {
                    json.WriteStartArray();
                }

                WriteRow(values.AsSpan(token * columns, columns), scalars);
                if (token % perBatch == perBatch - 1)
                {
                    json.WriteEndArray();
                }

                if (json.BytesPending > FlushBytes)
                {
                    await json.FlushAsync(cancellationToken).ConfigureAwait(false);
                    _ = await output.FlushAsync(cancellationToken).ConfigureAwait(false);
                }
            }

            json.WriteEndArray();
        }

        private void WriteRow<T>(ReadOnlySpan<T> row, bool scalars)
            where T : unmanaged
        {
            if (!scalars)
            {
                json.WriteStartArray();
            }

            foreach (T value in row)
            {
                if (value is int number)
                {
                    json.WriteNumberValue(number);
                }
                else
                {
                    json.WriteFinite((float)(object)value);
                }
            }

            if (!scalars)
            {
                json.WriteEndArray();
            }
        }
    }
}
