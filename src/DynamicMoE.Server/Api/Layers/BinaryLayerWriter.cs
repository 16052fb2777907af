using System.Buffers.Binary;
using System.IO.Pipelines;
using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary>Writes an answer as a binary body.</summary>
internal static class BinaryLayerWriter
{
    public static async ValueTask WriteAsync(HttpResponse response, LayerInput input, LayerReply reply, CancellationToken cancellationToken)
    {
        bool routing = reply.Slots > 0, logits = reply.RouterLogits.Length > 0;
        long values = reply.Output.LongLength + reply.RouterLogits.LongLength;
        values += routing ? reply.ExpertIndices.LongLength + reply.ExpertWeights.LongLength + reply.ExpertsPerToken.LongLength + reply.ComplexityScores.LongLength : 0;
        response.ContentType = MediaTypes.Binary;
        response.ContentLength = BinaryFormat.HeaderBytes + (values * sizeof(float));
        PipeWriter output = response.BodyWriter;
        WriteHeader(output.GetSpan(BinaryFormat.HeaderBytes), input, reply, routing, logits);
        output.Advance(BinaryFormat.HeaderBytes);
        await TensorBody.WriteAsync(output, reply.Output, cancellationToken).ConfigureAwait(false);
        if (routing)
        {
            await TensorBody.WriteAsync(output, reply.ExpertIndices, cancellationToken).ConfigureAwait(false);
            await TensorBody.WriteAsync(output, reply.ExpertWeights, cancellationToken).ConfigureAwait(false);
            await TensorBody.WriteAsync(output, reply.ExpertsPerToken, cancellationToken).ConfigureAwait(false);
            await TensorBody.WriteAsync(output, reply.ComplexityScores, cancellationToken).ConfigureAwait(false);
        }

        await TensorBody.WriteAsync(output, reply.RouterLogits, cancellationToken).ConfigureAwait(false);
        _ = await output.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private static void WriteHeader(Span<byte> header, LayerInput input, LayerReply reply, bool routing, bool logits)
    {
        BinaryFormat.Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], BinaryFormat.Version);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], BinaryFormat.Reply);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], input.Layer);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], reply.Tokens);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], reply.Output.Length / reply.Tokens);
        BinaryPrimitives.WriteUInt16LittleEndian(header[20..], BinaryFormat.Float32);
        BinaryPrimitives.WriteUInt16LittleEndian(header[22..], (ushort)((routing ? BinaryFormat.RoutingFlag : 0) | (logits ? BinaryFormat.LogitsFlag : 0)));
        BinaryPrimitives.WriteInt32LittleEndian(header[24..], reply.Slots);
        BinaryPrimitives.WriteInt32LittleEndian(header[28..], reply.RouterLogits.Length / reply.Tokens);
        BinaryPrimitives.WriteDoubleLittleEndian(header[32..], reply.MeanExpertsPerToken);
    }
}
