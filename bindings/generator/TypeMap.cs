namespace DynamicMoE.BindingGenerator;

/// <summary>C types to blittable C# types.</summary>
internal sealed class TypeMap(HeaderModel header)
{
    /// <summary>The one kind of function pointer that the header knows.</summary>
    private const string Callback = "void (*)(void *)";

    private static readonly Dictionary<string, string> Scalars = new()
    {
        ["void"] = "void",
        ["char"] = "byte",
        ["uint8_t"] = "byte",
        ["int32_t"] = "int",
        ["uint32_t"] = "uint",
        ["int64_t"] = "long",
        ["uint64_t"] = "ulong",
        ["float"] = "float",
        ["double"] = "double",
    };

    /// <summary>Type of a field or a return value; a handle inside a struct is a plain <c>nint</c>.</summary>
    public string Value(string type)
    {
        if (type == Callback)
            return "delegate* unmanaged[Cdecl]<void*, void>";
        (string name, int stars) = Split(type);
        if (header.Handles.Contains(name) && stars == 1)
            return "nint";
        return Named(name, type) + new string('*', stars);
    }

    /// <summary>Type of a parameter, with its modifier; handles are SafeHandles.</summary>
    public string Parameter(string type)
    {
        (string name, int stars) = Split(type);
        if (!header.Handles.Contains(name))
            return Value(type);
        return stars switch
        {
            1 => Naming.Handle(name),
            2 => "out " + Naming.Handle(name),
            _ => throw new GeneratorException($"no C# type for '{type}'"),
        };
    }

    private string Named(string name, string type)
    {
        if (Scalars.TryGetValue(name, out string? scalar))
            return scalar;
        if (header.Structs.Any(s => s.Name == name) || header.Enums.Any(e => e.Name == name))
            return Naming.Pascal(name);
        throw new GeneratorException($"no C# type for '{type}'");
    }

    private static (string Name, int Stars) Split(string type)
    {
        string name = string.Concat(type.Where(c => c != '*'));
        name = string.Join(' ', name.Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(word => word != "const"));
        return (name, type.Count(c => c == '*'));
    }
}
