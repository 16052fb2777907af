using System.Buffers.Binary;
using System.Globalization;
using DynamicMoE.Hosting;
using DynamicMoE.Models;
using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary>Reads a route or forward from a safetensors body: tensor <c>hidden</c>, everything else in <c>__metadata__</c>.</summary>
internal static class SafetensorsLayerReader
{
    /// <summary>The tensor.</summary>
    public const string Hidden = "hidden";

    // The header of one tensor and its metadata has some hundred bytes.
    private const int MaxHeaderBytes = 1 << 14;

    private static readonly string[] Known = ["layer", "quality", "experts_budget", "include_routing", "include_logits", "format"];

    public static async ValueTask<LayerInput> ReadAsync(HttpRequest request, LayerRules rules, CancellationToken cancellationToken)
    {
        using PooledBytes bytes = await PooledBytes.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        if (bytes.Length >= sizeof(ulong))
        {
            ulong header = BinaryPrimitives.ReadUInt64LittleEndian(bytes.Span);
            Expect.Safetensors(header <= MaxHeaderBytes, $"The header length is {header}, at most {MaxHeaderBytes} bytes are allowed.");
        }

        try
        {
            using SafetensorsFile file = SafetensorsFile.Read(bytes.Memory, "body");
            return Read(file, rules);
        }
        catch (CheckpointFormatException error)
        {
            throw new ProblemException(Problems.MalformedSafetensors(error.Message), error);
        }
    }

    private static LayerInput Read(SafetensorsFile file, LayerRules rules)
    {
        foreach (string name in file.Tensors.Keys)
        {
            Expect.Safetensors(name == Hidden, $"Tensor {Printable.Quote(name)} is not known, only '{Hidden}' is.");
        }

        if (!file.Tensors.TryGetValue(Hidden, out TensorInfo? tensor))
        {
            throw new ProblemException(Problems.Missing(Hidden));
        }

        IReadOnlyList<long> shape = tensor.Shape;
        Expect.Safetensors(tensor.Type is TensorType.F32 or TensorType.F16 or TensorType.BF16, $"hidden is {tensor.Type}, one of F32, F16, BF16 is needed.");
        Expect.Safetensors(shape.Count is 2 or 3, $"hidden has {shape.Count} dimensions, [tokens, dim] or [batch, seq, dim] is needed.");

        // Elements are counted without overflow by the reader, which has checked them against the bytes; a dimension of 0 hides the others.
        long tokens = tensor.ElementCount == 0 ? 0 : tensor.ElementCount / shape[^1];
        var input = new LayerInput { Hidden = new PooledFloats(1) };
        ReadMetadata(file.Metadata, input);
        ServedLayerInfo layer = rules.Layer(input.Layer);
        rules.CheckSize(layer, tokens, shape[^1]);
        rules.CheckDials(input, layer);
        (input.Tokens, input.Dim) = ((int)tokens, (int)shape[^1]);
        input.Batch = shape.Count == 3 ? (int)shape[0] : 0;
        file.ReadFloat32(tensor, input.Hidden.Extend(checked((int)tensor.ElementCount)));
        LayerRules.CheckValues(input);
        return input;
    }

    private static void ReadMetadata(IReadOnlyDictionary<string, string> metadata, LayerInput input)
    {
        foreach ((string name, string text) in metadata)
        {
            switch (name)
            {
                case "layer":
                    int layer = 0;
                    Expect.Valid(int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out layer), name, $"layer is {Printable.Quote(text)}, an integer of 32 bits is needed.");
                    input.Layer = layer;
                    break;
                case "quality":
                    input.Quality = (float)Number(name, text);
                    break;
                case "experts_budget":
                    input.ExpertsBudget = Number(name, text);
                    break;
                case "include_routing":
                    input.IncludeRouting = Flag(name, text);
                    break;
                case "include_logits":
                    input.IncludeLogits = Flag(name, text);
                    break;
                case "format":
                    // Libraries write "pt", "np" and the like; it says nothing about the bytes.
                    break;
                default:
                    throw new ProblemException(Problems.Unknown(name, Known));
            }
        }
    }

    private static double Number(string name, string text)
    {
        double value = 0;
        Expect.Valid(
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && double.IsFinite(value), name, $"{name} is {Printable.Quote(text)}, a finite number is needed.");
        return value;
    }

    private static bool Flag(string name, string text)
    {
        Expect.Valid(text is "true" or "false", name, $"{name} is {Printable.Quote(text)}, 'true' or 'false' is needed.");
        return text == "true";
    }
}
