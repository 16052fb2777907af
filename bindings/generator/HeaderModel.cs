namespace DynamicMoE.BindingGenerator;

/// <summary>What a C header declares, in the order of the header.</summary>
internal sealed record HeaderModel(
    IReadOnlyList<EnumModel> Enums,
    IReadOnlyList<string> Handles,
    IReadOnlyList<StructModel> Structs,
    IReadOnlyList<FunctionModel> Functions);

/// <summary>A C enum; its constants carry explicit values.</summary>
internal sealed record EnumModel(string Name, DocComment Doc, IReadOnlyList<ConstantModel> Constants);

/// <summary>One constant of an enum.</summary>
internal sealed record ConstantModel(string Name, long Value, DocComment Doc);

/// <summary>A C struct with a complete definition.</summary>
internal sealed record StructModel(string Name, DocComment Doc, IReadOnlyList<FieldModel> Fields);

/// <summary>One field; <paramref name="Type"/> is the C type as written in the header.</summary>
internal sealed record FieldModel(string Name, string Type, DocComment Doc);

/// <summary>An exported function; types are C types as written in the header.</summary>
internal sealed record FunctionModel(string Name, string ReturnType, IReadOnlyList<ParameterModel> Parameters, DocComment Doc);

/// <summary>One parameter of a function.</summary>
internal sealed record ParameterModel(string Name, string Type);

/// <summary>A failure whose message is meant for the person who runs the generator.</summary>
internal sealed class GeneratorException(string message) : Exception(message);
