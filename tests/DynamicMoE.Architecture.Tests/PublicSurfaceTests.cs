using System.Reflection;
using System.Runtime.InteropServices;
using DynamicMoE.Architecture.Tests.Sources;

namespace DynamicMoE.Architecture.Tests;

/// <summary>What users see: no pointer, no handle, no native name.</summary>
public class PublicSurfaceTests
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static TheoryData<string> AssemblyNames => [.. Assemblies.Product.Select(a => a.GetName().Name!)];

    [Theory, MemberData(nameof(AssemblyNames))]
    public void Signatures_WhenPublic_HaveNoPointerAndNoHandle(string assembly) =>
        Rule.HasNoBreach(from type in Types(assembly)
                         from used in UsedTypes(type)
                         where IsNative(used.Type, $"{type.Name}.{used.Member}")
                         select $"{type.FullName}.{used.Member}: {used.Type}");

    [Theory, MemberData(nameof(AssemblyNames))]
    public void Names_WhenPublic_DoNotComeFromTheAbi(string assembly) =>
        Rule.HasNoBreach(Types(assembly)
            .SelectMany(type => VisibleMembers(type).Select(m => $"{type.FullName}.{m.Name}").Append(type.FullName!))
            .Where(name => name.Contains("dmoe_", StringComparison.OrdinalIgnoreCase) || name.Contains(".Dmoe", StringComparison.Ordinal)));

    [Fact]
    public void Bindings_WhenLoaded_HaveNoPublicType() => Rule.HasNoBreach(Assemblies.Bindings.GetExportedTypes());

    // What the lists hold is checked by the analyzer, and only where they are.
    [Fact]
    public void Libraries_WhenPacked_ListTheirPublicMembers() =>
        Rule.HasNoBreach(from project in Project.All()
                         where project.Area == "src" && project.Property("IsPackable") is "true"
                             && project.Property("PackAsTool") is not "true" && project.Name != "DynamicMoE.Runtime"
                         from list in (string[])[$"{project.Folder}/PublicAPI.Shipped.txt", $"{project.Folder}/PublicAPI.Unshipped.txt"]
                         where !Repository.Exists(list) || !Repository.Read(list).StartsWith("#nullable enable\n", StringComparison.Ordinal)
                         select list);

    private static Type[] Types(string assembly) => Assemblies.Product.Single(a => a.GetName().Name == assembly).GetExportedTypes();

    private static IEnumerable<MemberInfo> VisibleMembers(Type type) => type.GetMembers(Declared).Where(m => m switch
    {
        MethodBase method => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly,
        FieldInfo field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly,
        PropertyInfo property => property.GetAccessors(nonPublic: false).Length > 0,
        _ => false,
    });

    private static IEnumerable<(string Member, Type Type)> UsedTypes(Type type)
    {
        // The compiler gives every delegate a constructor that takes an nint; its Invoke is what users see.
        IEnumerable<MemberInfo> members = typeof(Delegate).IsAssignableFrom(type) ? type.GetMember("Invoke") : VisibleMembers(type);
        foreach (Type parent in type.GetInterfaces().Append(type.BaseType ?? typeof(object)))
            yield return ("base", parent);
        foreach (MemberInfo member in members)
        {
            foreach (Type used in Signature(member))
                yield return (member.Name, used);
        }
    }

    private static IEnumerable<Type> Signature(MemberInfo member) => member switch
    {
        MethodInfo method => method.GetParameters().Select(p => p.ParameterType).Append(method.ReturnType),
        ConstructorInfo constructor => constructor.GetParameters().Select(p => p.ParameterType),
        FieldInfo field => [field.FieldType],
        PropertyInfo property => [property.PropertyType],
        _ => [],
    };

    /// <summary>A device address is a plain nint by design, and its member or type says so in its name.</summary>
    private static bool IsNative(Type type, string member)
    {
        if (type.HasElementType && !type.IsPointer)
            return IsNative(type.GetElementType()!, member);
        if (type == typeof(nint) || type == typeof(nuint))
            return !member.Contains("Device", StringComparison.Ordinal);
        return type.IsPointer || type.IsFunctionPointer || typeof(SafeHandle).IsAssignableFrom(type)
            || type.Assembly == Assemblies.Bindings || type.GetGenericArguments().Any(argument => IsNative(argument, member));
    }
}
