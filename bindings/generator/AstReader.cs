using System.Globalization;
using System.Text;
using System.Text.Json;

namespace DynamicMoE.BindingGenerator;

/// <summary>Reads clang's JSON AST of one header into a <see cref="HeaderModel"/>.</summary>
internal sealed class AstReader
{
    private const string Prefix = "dmoe_";
    private readonly byte[] _source;

    private AstReader(byte[] source) => _source = source;

    /// <summary>Reads what the header itself declares; names without the prefix <c>dmoe_</c> come from system headers.</summary>
    /// <param name="ast">Output of <c>clang -Xclang -ast-dump=json</c>.</param>
    /// <param name="source">Bytes of the header: the AST's offsets point into them.</param>
    public static HeaderModel Read(string ast, byte[] source)
    {
        using JsonDocument document = JsonDocument.Parse(ast, new JsonDocumentOptions { MaxDepth = 1024 });
        return new AstReader(source).ReadUnit(document.RootElement);
    }

    private HeaderModel ReadUnit(JsonElement unit)
    {
        var enums = new List<EnumModel>();
        var handles = new List<string>();
        var structs = new List<StructModel>();
        var functions = new List<FunctionModel>();
        foreach (JsonElement node in Children(unit))
        {
            string name = Text(node, "name");
            if (!name.StartsWith(Prefix, StringComparison.Ordinal))
                continue;
            switch (Text(node, "kind"))
            {
                case "EnumDecl":
                    enums.Add(ReadEnum(node, name));
                    break;
                case "RecordDecl" when node.TryGetProperty("completeDefinition", out _):
                    structs.Add(new StructModel(name, Doc(node), [.. OfKind(node, "FieldDecl").Select(ReadField)]));
                    break;
                case "RecordDecl":
                    if (!handles.Contains(name))
                        handles.Add(name);
                    break;
                case "FunctionDecl":
                    functions.Add(ReadFunction(node, name));
                    break;
            }
        }

        handles.RemoveAll(handle => structs.Exists(s => s.Name == handle));
        return new HeaderModel(enums, handles, structs, functions);
    }

    private EnumModel ReadEnum(JsonElement node, string name)
    {
        var constants = new List<ConstantModel>();
        long next = 0;
        foreach (JsonElement constant in OfKind(node, "EnumConstantDecl"))
        {
            foreach (JsonElement value in OfKind(constant, "ConstantExpr"))
                next = long.Parse(Text(value, "value"), CultureInfo.InvariantCulture);
            constants.Add(new ConstantModel(Text(constant, "name"), next++, Doc(constant)));
        }

        return new EnumModel(name, Doc(node), constants);
    }

    private FieldModel ReadField(JsonElement node) => new(Text(node, "name"), TypeOf(node), Doc(node));

    private FunctionModel ReadFunction(JsonElement node, string name)
    {
        string signature = TypeOf(node);
        int open = signature.IndexOf('(', StringComparison.Ordinal);
        ParameterModel[] parameters = [.. OfKind(node, "ParmVarDecl").Select(p => new ParameterModel(Text(p, "name"), TypeOf(p)))];
        DocComment doc = Doc(node);
        foreach (string documented in doc.Parameters.Keys)
        {
            if (!parameters.Any(p => p.Name == documented))
                throw new GeneratorException($"{name}: @param {documented} names no parameter");
        }

        return new FunctionModel(name, signature[..open].Trim(), parameters, doc);
    }

    private DocComment Doc(JsonElement node)
    {
        foreach (JsonElement comment in OfKind(node, "FullComment"))
        {
            int begin = comment.GetProperty("range").GetProperty("begin").GetProperty("offset").GetInt32();
            int length = _source.AsSpan(begin).IndexOf("*/"u8);
            if (length < 0)
                throw new GeneratorException($"{Text(node, "name")}: documentation must be a block comment");
            return DocComment.Parse(Encoding.UTF8.GetString(_source, begin, length));
        }

        return DocComment.Empty;
    }

    private static IEnumerable<JsonElement> OfKind(JsonElement node, string kind) =>
        Children(node).Where(child => Text(child, "kind") == kind);

    private static IEnumerable<JsonElement> Children(JsonElement node) =>
        node.TryGetProperty("inner", out JsonElement inner) ? inner.EnumerateArray() : Enumerable.Empty<JsonElement>();

    private static string TypeOf(JsonElement node) => Text(node.GetProperty("type"), "qualType");

    private static string Text(JsonElement node, string property) =>
        node.TryGetProperty(property, out JsonElement value) ? value.GetString() ?? "" : "";
}
