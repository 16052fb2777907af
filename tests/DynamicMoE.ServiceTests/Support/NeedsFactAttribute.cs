namespace DynamicMoE.ServiceTests.Support;

/// <summary>A test that needs programs; without them it is skipped, for a reason that tests/skips.txt accepts.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NeedsFactAttribute : FactAttribute
{
    public NeedsFactAttribute(params string[] programs)
    {
        string[] missing = [.. programs.Where(program => Find(program) is null)];
        Skip = missing.Length == 0 ? null! : $"needs {string.Join(" and ", missing)}";
    }

    /// <summary>Path of a program, or null.</summary>
    public static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/bin")
        .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
