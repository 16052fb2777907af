using System.Reflection;
using DynamicMoE.Architecture.Tests.Sources;

namespace DynamicMoE.Architecture.Tests;

/// <summary>The built assemblies, found from the project files, so that a new project is looked at too.</summary>
internal static class Assemblies
{
    public static Assembly Bindings { get; } = Assembly.Load("DynamicMoE.Bindings");

    /// <summary>What is built from src/, the packaging project left out.</summary>
    public static IReadOnlyList<Assembly> Product { get; } = Load(p => p.Area == "src" && p.Name != "DynamicMoE.Runtime");

    /// <summary>Test assemblies of tests/.</summary>
    public static IReadOnlyList<Assembly> Tests { get; } = Load(p => p.Area == "tests" && p.Name.EndsWith(".Tests", StringComparison.Ordinal));

    private static Assembly[] Load(Func<Project, bool> choose) =>
        [.. Project.All().Where(choose).Select(p => Assembly.Load(p.Property("AssemblyName") ?? p.Name))];
}
