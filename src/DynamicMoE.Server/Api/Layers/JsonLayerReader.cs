using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary>Reads a route or forward from JSON. Its own reader: values go from the text into the array that the service gets.</summary>
internal static class JsonLayerReader
{
    /// <summary>Fields of the object.</summary>
    public static readonly string[] Fields = ["layer", "hidden", "quality", "experts_budget", "include_routing", "include_logits"];

    // The object, and [batch, seq, dim] in it; a level more lets a wrong shape be named instead of its depth.
    private const int MaxDepth = 6;

    // A float32 needs 9 digits to be exact; texts with many more are only work.
    private const int MaxNumberBytes = 64;

    public static async ValueTask<LayerInput> ReadAsync(HttpRequest request, LayerRules rules, CancellationToken cancellationToken)
    {
        using PooledBytes bytes = await PooledBytes.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        var input = new LayerInput { Hidden = new PooledFloats() };
        try
        {
            Read(bytes.Span, input, rules.MaxTokens);
            rules.Check(input);
            return input;
        }
        catch (Exception error) when (JsonBody.Refused(error) is { } problem)
        {
            input.Hidden.Return();
            throw new ProblemException(problem);
        }
    }

    private static void Read(ReadOnlySpan<byte> json, LayerInput input, int maxTokens)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        Expect.Valid(reader.Read() && reader.TokenType == JsonTokenType.StartObject, "", "The body is not an object.");
        int seen = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            int field = Field(ref reader);
            if ((seen & (1 << field)) != 0)
            {
                throw new ProblemException(Problems.Duplicate(Fields[field]));
            }

            seen |= 1 << field;
            _ = reader.Read();
            ReadField(ref reader, input, field, maxTokens);
        }

        _ = reader.Read();
        if ((seen & (1 << 1)) == 0)
        {
            throw new ProblemException(Problems.Missing("hidden"));
        }
    }

    private static int Field(ref Utf8JsonReader reader)
    {
        for (int i = 0; i < Fields.Length; i++)
        {
            if (reader.ValueTextEquals(Fields[i]))
            {
                return i;
            }
        }

        throw new ProblemException(Problems.Unknown(reader.GetString()!, Fields));
    }

    private static void ReadField(ref Utf8JsonReader reader, LayerInput input, int field, int maxTokens)
    {
        if (field == 1)
        {
            ReadHidden(ref reader, input, maxTokens);
            return;
        }

        if (reader.TokenType == JsonTokenType.Null)
        {
            return;
        }

        string name = Fields[field];
        switch (field)
        {
            case 0:
                int layer = 0;
                Expect.Valid(reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out layer), name, $"{name} is not an integer of 32 bits.");
                input.Layer = layer;
                break;
            case 2:
                input.Quality = (float)Number(ref reader, name);
                break;
            case 3:
                input.ExpertsBudget = Number(ref reader, name);
                break;
            default:
                Expect.Valid(reader.TokenType is JsonTokenType.True or JsonTokenType.False, name, $"{name} is neither true nor false.");
                _ = field == 4 ? input.IncludeRouting = reader.GetBoolean() : input.IncludeLogits = reader.GetBoolean();
                break;
        }
    }

    private static double Number(ref Utf8JsonReader reader, string name)
    {
        double value = 0;
        Expect.Valid(reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out value) && double.IsFinite(value), name, $"{name} is not a finite number.");
        return value;
    }

    private static void ReadHidden(ref Utf8JsonReader reader, LayerInput input, int maxTokens)
    {
        Expect.Valid(reader.TokenType == JsonTokenType.StartArray, "hidden", "hidden is not an array of tokens.");
        Expect.Valid(reader.Read() && reader.TokenType == JsonTokenType.StartArray, "hidden", "hidden is not an array of arrays: [tokens, dim] or [batch, seq, dim].");
        var cursor = reader;
        _ = cursor.Read();
        if (cursor.TokenType != JsonTokenType.StartArray)
        {
            ReadRows(ref reader, input, maxTokens);
            return;
        }

        int length = 0;
        for (; reader.TokenType == JsonTokenType.StartArray; _ = reader.Read())
        {
            int before = input.Tokens;
            Expect.Valid(reader.Read() && reader.TokenType == JsonTokenType.StartArray, "hidden", $"hidden[{input.Batch}] is not an array of tokens.");
            ReadRows(ref reader, input, maxTokens);
            length = input.Batch == 0 ? input.Tokens : length;
            Expect.Valid(input.Tokens - before == length, "hidden", $"hidden[{input.Batch}] has {input.Tokens - before} tokens, hidden[0] has {length}.");
            input.Batch++;
        }

        Expect.Valid(reader.TokenType == JsonTokenType.EndArray, "hidden", "hidden mixes arrays and other values.");
    }

    // From the first row's '[' to the ']' behind the last row.
    private static void ReadRows(ref Utf8JsonReader reader, LayerInput input, int maxTokens)
    {
        PooledFloats values = input.Hidden;
        for (; reader.TokenType == JsonTokenType.StartArray; _ = reader.Read())
        {
            if (input.Tokens == maxTokens)
            {
                throw new ProblemException(Problems.TooManyTokens(maxTokens));
            }

            int first = values.Count;
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                float value = 0;
                if (reader.TokenType != JsonTokenType.Number || reader.ValueSpan.Length > MaxNumberBytes || !reader.TryGetSingle(out value))
                {
                    throw new ProblemException(Problems.Invalid("hidden", $"hidden, token {input.Tokens}, value {values.Count - first} is not a number of at most {MaxNumberBytes} characters."));
                }

                values.Add(value);
            }

            int dim = values.Count - first;
            input.Dim = input.Tokens == 0 ? dim : input.Dim;
            Expect.Valid(dim == input.Dim, "hidden", $"token {input.Tokens} of hidden has {dim} values, token 0 has {input.Dim}.");
            Expect.Valid(dim > 0, "hidden", $"token {input.Tokens} of hidden has no values.");
            input.Tokens++;
        }

        Expect.Valid(reader.TokenType == JsonTokenType.EndArray, "hidden", "hidden mixes arrays and other values.");
    }
}
