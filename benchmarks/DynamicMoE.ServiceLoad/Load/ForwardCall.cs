using System.Buffers.Binary;
using System.Runtime.InteropServices;
using DynamicMoE.ServiceLoad.Http;

namespace DynamicMoE.ServiceLoad.Load;

/// <summary>
/// A binary /v1/forward with values that no other call has. Each of its tokens uses one or two of TinyMoE's experts, as the budget of the moment has it; so each
/// row of an answer must be the row that one of these gives, and it is no other call's.
/// </summary>
internal sealed class ForwardCall : Call
{
    private const int HeaderBytes = 40;
    private const double Tolerance = 1e-3;

    private readonly float[] _values;
    private readonly int _tokens;
    private readonly int _dim;
    private float[] _fewest = [];
    private float[] _most = [];

    private ForwardCall(float[] values, int tokens, int dim)
        : base(CallKind.Forward, HttpText.Post("/v1/forward", Type, Body(values, tokens, dim))) => (_values, _tokens, _dim) = (values, tokens, dim);

    /// <summary>Media type of the body.</summary>
    public const string Type = "application/octet-stream";

    public static ForwardCall Random(Random random, int tokens, int dim)
    {
        var values = new float[tokens * dim];
        foreach (ref float value in values.AsSpan())
        {
            value = (float)((2 * random.NextDouble()) - 1);
        }

        return new ForwardCall(values, tokens, dim);
    }

    /// <summary>The body, version 1 of the format.</summary>
    public static byte[] Body(float[] values, int tokens, int dim, float quality = float.NaN)
    {
        var body = new byte[HeaderBytes + (values.Length * sizeof(float))];
        "DMOE"u8.CopyTo(body);
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(4), 1);
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(6), 1);
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(12), tokens);
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(16), dim);
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(20), 1);
        BinaryPrimitives.WriteSingleLittleEndian(body.AsSpan(24), quality);
        BinaryPrimitives.WriteDoubleLittleEndian(body.AsSpan(32), double.NaN);
        MemoryMarshal.AsBytes<float>(values).CopyTo(body.AsSpan(HeaderBytes));
        return body;
    }

    /// <summary>Asks an idle service for the answers with the fewest and with the most experts.</summary>
    /// <exception cref="InvalidDataException">It does not answer.</exception>
    public async Task LearnAsync(Connection connection, CancellationToken cancellation)
    {
        _fewest = await LearnAsync(connection, 0, cancellation);
        _most = await LearnAsync(connection, 1, cancellation);
    }

    public override string? Fault(HttpReply reply, out string? id)
    {
        id = null;
        byte[] body = reply.Body;
        if (!Fits(body))
        {
            return $"{body.Length} bytes for {_tokens} tokens";
        }

        ReadOnlySpan<float> values = MemoryMarshal.Cast<byte, float>(body.AsSpan(HeaderBytes));
        for (int t = 0; t < _tokens; t++)
        {
            ReadOnlySpan<float> row = values.Slice(t * _dim, _dim);
            double error = Math.Min(Error(row, _fewest.AsSpan(t * _dim, _dim)), Error(row, _most.AsSpan(t * _dim, _dim)));
            if (!(error <= Tolerance))
            {
                return $"token {t} of {_tokens} is off by {error:0.0000} of its length";
            }
        }

        return null;
    }

    private async Task<float[]> LearnAsync(Connection connection, float quality, CancellationToken cancellation)
    {
        HttpReply reply = await connection.AskAsync(HttpText.Post("/v1/forward", Type, Body(_values, _tokens, _dim, quality)), cancellation);
        return reply.Status == 200 && Fits(reply.Body)
            ? MemoryMarshal.Cast<byte, float>(reply.Body.AsSpan(HeaderBytes)).ToArray()
            : throw new InvalidDataException($"an idle service answers {reply.Status} {System.Text.Encoding.UTF8.GetString(reply.Body)}");
    }

    private bool Fits(byte[] body) =>
        body.Length == HeaderBytes + (_tokens * _dim * sizeof(float)) && body.AsSpan(0, 4).SequenceEqual("DMOE"u8) &&
        BinaryPrimitives.ReadInt32LittleEndian(body.AsSpan(12)) == _tokens;

    private static double Error(ReadOnlySpan<float> row, ReadOnlySpan<float> expected)
    {
        double difference = 0, square = 0;
        for (int i = 0; i < row.Length; i++)
        {
            double d = row[i] - expected[i];
            (difference, square) = (difference + (d * d), square + ((double)expected[i] * expected[i]));
        }

        return Math.Sqrt(difference / square);
    }
}
