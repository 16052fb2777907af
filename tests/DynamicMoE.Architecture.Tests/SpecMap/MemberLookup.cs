using System.Reflection;

namespace DynamicMoE.Architecture.Tests.SpecMap;

/// <summary>Finds public members by names like <c>Space.Type</c>, <c>Space.Type.Member</c>, <c>Space.Type.#ctor(parameter)</c>.</summary>
internal sealed class MemberLookup
{
    private const BindingFlags Visible =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.FlattenHierarchy;

    private readonly Dictionary<string, Type> _types;
    private readonly HashSet<string> _tests;

    /// <param name="types">Public types of the product.</param>
    /// <param name="tests">Names of tests, class and method.</param>
    public MemberLookup(IEnumerable<Type> types, IEnumerable<string> tests)
    {
        _types = types.Where(t => t.FullName is not null).ToDictionary(t => t.FullName!.Replace('+', '.'));
        _tests = [.. tests];
    }

    /// <summary>Looks at the built product and its tests.</summary>
    public static MemberLookup OfRepository() => new(
        Assemblies.Product.SelectMany(a => a.GetExportedTypes()),
        from type in Assemblies.Tests.Append(typeof(MemberLookup).Assembly).SelectMany(a => a.GetTypes())
        from method in type.GetMethods()
        where method.GetCustomAttributes<FactAttribute>(inherit: true).Any()
        select $"{type.Name}.{method.Name}");

    public bool HasTest(string name) => _tests.Contains(name);

    /// <summary>The type that a name stands for, or null.</summary>
    public Type? FindType(string name) => _types.GetValueOrDefault(name);

    public bool Exists(string name) => FindType(name) is not null || FindMembers(name).Count > 0;

    /// <summary>Members with the name, with the parameter when one is given; empty when there is none.</summary>
    public IReadOnlyList<MemberInfo> FindMembers(string name)
    {
        string? parameter = null;
        int open = name.IndexOf('(', StringComparison.Ordinal);
        if (open >= 0)
        {
            if (!name.EndsWith(')'))
                return [];
            parameter = name[(open + 1)..^1];
            name = name[..open];
        }

        int dot = name.LastIndexOf('.');
        if (dot < 0 || FindType(name[..dot]) is not { } type)
            return [];
        string member = name[(dot + 1)..].Replace("#ctor", ".ctor", StringComparison.Ordinal);
        return [.. type.GetMembers(Visible).Where(m => m.Name == member && IsVisible(m) && (parameter is null || HasParameter(m, parameter)))];
    }

    private static bool HasParameter(MemberInfo member, string parameter) =>
        member is MethodBase method && method.GetParameters().Any(p => p.Name == parameter);

    private static bool IsVisible(MemberInfo member) => member switch
    {
        MethodBase method => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly,
        FieldInfo field => field.IsPublic,
        PropertyInfo property => property.GetMethod?.IsPublic ?? false,
        _ => false,
    };
}
