using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary>Reads a route or forward from a binary body: values go from the connection's buffers into the array that the service gets.</summary>
internal static class BinaryLayerReader
{
    public static async ValueTask<LayerInput> ReadAsync(HttpRequest request, LayerRules rules, CancellationToken cancellationToken)
    {
        PipeReader body = request.BodyReader;
        ReadResult read = await body.ReadAtLeastAsync(BinaryFormat.HeaderBytes, cancellationToken).ConfigureAwait(false);
        (LayerInput input, int valueBytes) = Begin(body, read.Buffer, request.ContentLength, rules);
        try
        {
            long needed = (long)input.Tokens * input.Dim * valueBytes, have = 0;
            ReadOnlySequence<byte> rest = read.Buffer.Slice(BinaryFormat.HeaderBytes);
            while (true)
            {
                long taken = Math.Min(rest.Length, needed - have) / valueBytes * valueBytes;
                Take(input.Hidden, rest.Slice(0, taken), valueBytes);
                have += taken;
                bool more = have == needed && rest.Length > taken;
                body.AdvanceTo(rest.GetPosition(taken), rest.End);
                if (more || read.IsCompleted || (have == needed && request.ContentLength is not null))
                {
                    Expect.Binary(!more, "tokens", $"The body goes on after {BinaryFormat.HeaderBytes + needed} bytes, which is all that tokens and dim announce.");
                    Expect.Binary(have == needed, "tokens", $"The body has {BinaryFormat.HeaderBytes + have} bytes, tokens and dim announce {BinaryFormat.HeaderBytes + needed}.");
                    LayerRules.CheckValues(input);
                    return input;
                }

                read = await body.ReadAsync(cancellationToken).ConfigureAwait(false);
                rest = read.Buffer;
            }
        }
        catch
        {
            input.Hidden.Return();
            throw;
        }
    }

    private static (LayerInput Input, int ValueBytes) Begin(PipeReader body, ReadOnlySequence<byte> begun, long? contentLength, LayerRules rules)
    {
        try
        {
            return Begin(begun, contentLength, rules);
        }
        catch
        {
            // A read that stays open would keep the server from skipping the rest, and cost the connection.
            body.AdvanceTo(begun.End);
            throw;
        }
    }

    // Everything that the header alone tells is checked before memory is taken for the values.
    private static (LayerInput Input, int ValueBytes) Begin(ReadOnlySequence<byte> body, long? contentLength, LayerRules rules)
    {
        Expect.Binary(body.Length >= BinaryFormat.HeaderBytes, "", $"The body has {body.Length} bytes, its header alone has {BinaryFormat.HeaderBytes}.");
        Span<byte> header = stackalloc byte[BinaryFormat.HeaderBytes];
        body.Slice(0, BinaryFormat.HeaderBytes).CopyTo(header);
        Expect.Binary(header[..4].SequenceEqual(BinaryFormat.Magic), "magic", $"The body does not begin with 'DMOE'.");
        Require("version", BinaryPrimitives.ReadUInt16LittleEndian(header[4..]), BinaryFormat.Version);
        Require("kind", BinaryPrimitives.ReadUInt16LittleEndian(header[6..]), BinaryFormat.Request);
        uint layer = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        uint tokens = BinaryPrimitives.ReadUInt32LittleEndian(header[12..]);
        uint dim = BinaryPrimitives.ReadUInt32LittleEndian(header[16..]);
        ushort type = BinaryPrimitives.ReadUInt16LittleEndian(header[20..]);
        ushort flags = BinaryPrimitives.ReadUInt16LittleEndian(header[22..]);
        float quality = BinaryPrimitives.ReadSingleLittleEndian(header[24..]);
        Expect.Binary(type is BinaryFormat.Float32 or BinaryFormat.BFloat16, "dtype", $"dtype is {type}, {BinaryFormat.Float32} (float32) or {BinaryFormat.BFloat16} (bfloat16) is needed.");
        Expect.Binary((flags & ~(BinaryFormat.RoutingFlag | BinaryFormat.LogitsFlag)) == 0, "flags", $"flags is 0x{flags:x4}, only the bits 0x0003 are known.");
        Require("reserved", BinaryPrimitives.ReadUInt32LittleEndian(header[28..]), 0);
        double budget = BinaryPrimitives.ReadDoubleLittleEndian(header[32..]);

        ServedLayerInfo info = rules.Layer(layer);
        rules.CheckSize(info, tokens, dim);
        int valueBytes = type == BinaryFormat.Float32 ? sizeof(float) : sizeof(ushort);
        long values = (long)tokens * dim;
        long announced = BinaryFormat.HeaderBytes + (values * valueBytes);
        Expect.Binary(contentLength is null || contentLength == announced, "tokens", $"The body has {contentLength} bytes, tokens and dim announce {announced}.");
        if (values > Array.MaxLength)
        {
            throw new ProblemException(Problems.BodyTooLarge(Array.MaxLength));
        }

        var input = new LayerInput
        {
            Layer = (int)layer,
            Hidden = new PooledFloats(values),
            Tokens = (int)tokens,
            Dim = (int)dim,
            Quality = float.IsNaN(quality) ? null : quality,
            ExpertsBudget = double.IsNaN(budget) ? null : budget,
            IncludeRouting = (flags & BinaryFormat.RoutingFlag) != 0,
            IncludeLogits = (flags & BinaryFormat.LogitsFlag) != 0,
        };
        rules.CheckDials(input, info);
        return (input, valueBytes);
    }

    private static void Take(PooledFloats values, ReadOnlySequence<byte> part, int valueBytes)
    {
        Span<float> room = values.Extend((int)(part.Length / valueBytes));
        if (valueBytes == sizeof(float))
        {
            part.CopyTo(MemoryMarshal.AsBytes(room));
            return;
        }

        // The 16-bit halves go into the upper half and are widened from the front, which never overtakes them.
        Span<ushort> halves = MemoryMarshal.Cast<float, ushort>(room)[room.Length..];
        part.CopyTo(MemoryMarshal.AsBytes(halves));
        for (int i = 0; i < room.Length; i++)
        {
            room[i] = BitConverter.UInt32BitsToSingle((uint)halves[i] << 16);
        }
    }

    private static void Require(string field, uint value, uint needed) => Expect.Binary(value == needed, field, $"{field} is {value}, {needed} is needed.");
}
