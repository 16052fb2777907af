namespace DynamicMoE.BindingGenerator;

/// <summary>Writes the C# files of a header.</summary>
internal sealed class CSharpEmitter(HeaderModel header)
{
    /// <summary>Functions that return at once and take no lock: the GC transition would cost more than the call.</summary>
    /// <remarks>Considered and refused: <c>dmoe_last_error</c>, whose thread-local text may allocate at first use.</remarks>
    private static readonly HashSet<string> TrivialGetters = ["dmoe_abi_version", "dmoe_thread_limit", "dmoe_status_name"];

    private readonly TypeMap _types = new(header);

    /// <summary>Makes all files, name to content.</summary>
    public SortedDictionary<string, string> Emit() => new(StringComparer.Ordinal)
    {
        ["Enums.g.cs"] = Enums(),
        ["NativeMethods.g.cs"] = Functions(),
        ["Structs.g.cs"] = Structs(),
    };

    private string Enums()
    {
        var file = new SourceWriter();
        foreach (EnumModel model in header.Enums)
        {
            file.Line();
            file.Summary(model.Doc.Summary);
            file.Line($"internal enum {Naming.Pascal(model.Name)}");
            file.Open();
            IReadOnlyList<string> names = Naming.Constants([.. model.Constants.Select(c => c.Name)]);
            for (int i = 0; i < names.Count; i++)
            {
                if (i > 0)
                    file.Line();
                file.Summary(model.Constants[i].Doc.Summary);
                file.Line($"{names[i]} = {model.Constants[i].Value},");
            }

            file.Close();
        }

        return file.ToString();
    }

    private string Structs()
    {
        var file = new SourceWriter("System.Runtime.InteropServices");
        foreach (StructModel model in header.Structs)
        {
            string name = Naming.Pascal(model.Name);
            file.Line();
            file.Summary(model.Doc.Summary);
            file.Line("[StructLayout(LayoutKind.Sequential)]");
            file.Line($"internal unsafe struct {name}");
            file.Open();
            foreach (FieldModel field in model.Fields)
            {
                file.Summary(field.Doc.Summary);
                file.Line($"public {_types.Value(field.Type)} {Naming.Pascal(field.Name)};");
                file.Line();
            }

            file.Summary("Zeroed, with StructSize set");
            file.Line($"public static {name} Create() => new() {{ StructSize = (uint)sizeof({name}) }};");
            file.Close();
        }

        return file.ToString();
    }

    private string Functions()
    {
        var file = new SourceWriter("System.Runtime.CompilerServices", "System.Runtime.InteropServices");
        file.Line();
        file.Line("#pragma warning disable CS1573 // The header documents a parameter only where its type does not say enough.");
        file.Line();
        file.Summary("The functions of the native library");
        file.Line("internal static unsafe partial class NativeMethods");
        file.Open();
        file.Summary("Name of the native library, without prefix and suffix");
        file.Line("internal const string Library = \"dynamicmoe\";");
        foreach (FunctionModel model in header.Functions)
        {
            file.Line();
            Function(file, model);
        }

        file.Close();
        return file.ToString();
    }

    private void Function(SourceWriter file, FunctionModel model)
    {
        file.Summary(model.Doc.Summary);
        foreach (ParameterModel parameter in model.Parameters)
            file.Doc($"param name=\"{Naming.Camel(parameter.Name)}\"", Documentation(model, parameter), "param");
        file.Doc("returns", model.Doc.Returns, "returns");
        file.Line("[LibraryImport(Library), UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])]");
        if (TrivialGetters.Contains(model.Name))
            file.Line("[SuppressGCTransition]");
        // A SafeHandle calls destroy with the value that it holds.
        bool raw = model.Name.EndsWith("_destroy", StringComparison.Ordinal);
        IEnumerable<string> parameters = model.Parameters.Select(p =>
            $"{(raw ? _types.Value(p.Type) : _types.Parameter(p.Type))} {Naming.Identifier(Naming.Camel(p.Name))}");
        file.Line($"internal static partial {_types.Value(model.ReturnType)} {model.Name}({string.Join(", ", parameters)});");
    }

    private static string Documentation(FunctionModel model, ParameterModel parameter) =>
        model.Doc.Parameters.GetValueOrDefault(parameter.Name, "");
}
