using static DynamicMoE.Peers.Onnx.OnnxFields;

namespace DynamicMoE.Peers.Onnx;

/// <summary>Element types, numbered as in onnx.proto.</summary>
internal enum OnnxType
{
    Float = 1,
    Byte = 2,
}

/// <summary>A tensor that the graph declares.</summary>
internal sealed record OnnxTensor(string Name, OnnxType Type, params long[] Shape)
{
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>
/// The layer as an ONNX graph: a matrix product for the router's logits, then MoE (float32 weights) or QMoE (blocks of 32) of com.microsoft.
/// Weights are declared as external data and not contained: one message of protobuf holds at most 2 GB, and the session gets them as tensors.
/// </summary>
internal sealed class OnnxMoEModel
{
    public const string Input = "hidden", Output = "output", Router = "router", GateUp = "fc1", Down = "fc2";

    /// <summary>Name of the file that holds no data: every tensor is handed to the session.</summary>
    public const string ExternalFile = "weights.bin";

    private const string Logits = "logits";
    private const int IrVersion = 8, OnnxOpset = 17, MicrosoftOpset = 1;

    private readonly LayerShape _shape;
    private readonly int _bits;

    /// <param name="shape">The layer.</param>
    /// <param name="format">float32, q8 or q4.</param>
    public OnnxMoEModel(LayerShape shape, WeightFormat format)
    {
        _shape = shape;
        _bits = format switch { WeightFormat.Q8 => 8, WeightFormat.Q4 => 4, _ => 0 };
        Width = _bits == 0 ? shape.Width : Blocks(shape.Width) * LayerFormats.Block;
        long experts = shape.Experts;
        Tensors = _bits == 0
            ?
            [
                new(Router, OnnxType.Float, shape.Hidden, experts),
                new(GateUp, OnnxType.Float, experts, 2 * Width, shape.Hidden),
                new(Down, OnnxType.Float, experts, shape.Hidden, Width),
            ]
            :
            [
                new(Router, OnnxType.Float, shape.Hidden, experts),
                new(GateUp, OnnxType.Byte, experts, 2 * Width, shape.Hidden * _bits / 8),
                new(Scales(GateUp), OnnxType.Float, experts, 2 * Width, Blocks(shape.Hidden)),
                new(Down, OnnxType.Byte, experts, shape.Hidden, Width * _bits / 8),
                new(Scales(Down), OnnxType.Float, experts, shape.Hidden, Blocks(Width)),
            ];
    }

    /// <summary>Inner size: in blocks of 32, as anybody would pad it; the int8 kernels take no other.</summary>
    public int Width { get; }

    /// <summary>The weights: router <c>[D, E]</c>, gate and up rows in turn <c>[E, 2F, D]</c>, down <c>[E, D, F]</c>, packed 8 / bits to a byte.</summary>
    public IReadOnlyList<OnnxTensor> Tensors { get; }

    /// <summary>Name of the scales of a quantised tensor.</summary>
    public static string Scales(string name) => name + "_scales";

    /// <summary>The model as a file holds it.</summary>
    public byte[] ToBytes() => new ProtobufMessage()
        .Integer(ModelIrVersion, IrVersion)
        .Message(ModelGraph, Graph())
        .Message(ModelOpset, new ProtobufMessage().Text(OpsetDomain, "").Integer(OpsetVersion, OnnxOpset))
        .Message(ModelOpset, new ProtobufMessage().Text(OpsetDomain, "com.microsoft").Integer(OpsetVersion, MicrosoftOpset))
        .ToArray();

    private static int Blocks(int columns) => (columns + LayerFormats.Block - 1) / LayerFormats.Block;

    private ProtobufMessage Graph() => new ProtobufMessage()
        .Message(GraphNode, new ProtobufMessage()
            .Text(NodeInput, Input).Text(NodeInput, Router).Text(NodeOutput, Logits).Text(NodeName, "gate").Text(NodeOperator, "MatMul"))
        .Message(GraphNode, Experts())
        .Text(GraphName, "layer")
        .Each(Tensors, (graph, tensor) => graph.Message(GraphInitializer, Declaration(tensor)))
        .Message(GraphInput, Value(Input))
        .Message(GraphOutput, Value(Output));

    // An empty name is an optional input that is left out: the bias.
    private ProtobufMessage Experts()
    {
        string[] inputs = _bits == 0
            ? [Input, Logits, GateUp, "", Down]
            : [Input, Logits, GateUp, Scales(GateUp), "", Down, Scales(Down)];
        var node = new ProtobufMessage();
        node.Each(inputs, (message, name) => message.Text(NodeInput, name))
            .Text(NodeOutput, Output)
            .Text(NodeName, "experts")
            .Text(NodeOperator, _bits == 0 ? "MoE" : "QMoE")
            .Message(NodeAttribute, Attribute("k", _shape.ExpertsPerToken))
            .Message(NodeAttribute, Attribute("normalize_routing_weights", 1))
            .Message(NodeAttribute, Attribute("activation_type", "swiglu"))
            .Message(NodeAttribute, Attribute("swiglu_fusion", 1))
            .Message(NodeAttribute, Attribute("activation_alpha", 1f))
            .Message(NodeAttribute, Attribute("activation_beta", 0f));
        if (_bits != 0)
        {
            node.Message(NodeAttribute, Attribute("expert_weight_bits", _bits)).Message(NodeAttribute, Attribute("block_size", LayerFormats.Block));
        }

        return node.Text(NodeDomain, "com.microsoft");
    }

    private static ProtobufMessage Attribute(string name, int value) =>
        new ProtobufMessage().Text(AttributeName, name).Integer(AttributeInteger, value).Integer(AttributeType, IntegerAttribute);

    private static ProtobufMessage Attribute(string name, float value) =>
        new ProtobufMessage().Text(AttributeName, name).Float(AttributeFloat, value).Integer(AttributeType, FloatAttribute);

    private static ProtobufMessage Attribute(string name, string value) =>
        new ProtobufMessage().Text(AttributeName, name).Text(AttributeText, value).Integer(AttributeType, TextAttribute);

    private static ProtobufMessage Declaration(OnnxTensor tensor) => new ProtobufMessage()
        .Each(tensor.Shape, (message, size) => message.Integer(TensorDimension, size))
        .Integer(TensorType, (long)tensor.Type)
        .Text(TensorName, tensor.Name)
        .Message(TensorExternal, new ProtobufMessage().Text(EntryKey, "location").Text(EntryValue, ExternalFile))
        .Integer(TensorLocation, External);

    // [tokens, hidden], any number of tokens.
    private ProtobufMessage Value(string name) => new ProtobufMessage()
        .Text(ValueName, name)
        .Message(ValueDescription, new ProtobufMessage().Message(TypeTensor, new ProtobufMessage()
            .Integer(TensorTypeElement, (long)OnnxType.Float)
            .Message(TensorTypeShape, new ProtobufMessage()
                .Message(ShapeDimension, new ProtobufMessage().Text(DimensionName, "tokens"))
                .Message(ShapeDimension, new ProtobufMessage().Integer(DimensionValue, _shape.Hidden)))));
}
