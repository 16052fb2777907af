namespace DynamicMoE.Peers.Onnx;

/// <summary>Field numbers of onnx.proto, one group per message.</summary>
internal static class OnnxFields
{
    public const int ModelIrVersion = 1, ModelGraph = 7, ModelOpset = 8;

    public const int OpsetDomain = 1, OpsetVersion = 2;

    public const int GraphNode = 1, GraphName = 2, GraphInitializer = 5, GraphInput = 11, GraphOutput = 12;

    public const int NodeInput = 1, NodeOutput = 2, NodeName = 3, NodeOperator = 4, NodeAttribute = 5, NodeDomain = 7;

    public const int AttributeName = 1, AttributeFloat = 2, AttributeInteger = 3, AttributeText = 4, AttributeType = 20;

    /// <summary>Values of <see cref="AttributeType"/>.</summary>
    public const int FloatAttribute = 1, IntegerAttribute = 2, TextAttribute = 3;

    public const int TensorDimension = 1, TensorType = 2, TensorName = 8, TensorExternal = 13, TensorLocation = 14;

    /// <summary>Value of <see cref="TensorLocation"/>: the data are not in the message.</summary>
    public const int External = 1;

    public const int EntryKey = 1, EntryValue = 2;

    public const int ValueName = 1, ValueDescription = 2, TypeTensor = 1, TensorTypeElement = 1, TensorTypeShape = 2, ShapeDimension = 1;

    public const int DimensionValue = 1, DimensionName = 2;
}
