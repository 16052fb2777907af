using PackageTest.Packages;
using PackageTest.Processes;

namespace PackageTest.Apps;

/// <summary>A folder as a user would begin with: outside the repository, the packages from a local folder, all else from the machine's sources.</summary>
public sealed class FreshFolder : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("dynamicmoe-packages-").FullName;
    private readonly Dictionary<string, string> _environment;

    public FreshFolder()
    {
        _environment = new Dictionary<string, string>
        {
            ["NUGET_PACKAGES"] = Path.Combine(_root, "cache"),
            ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
            ["DOTNET_NOLOGO"] = "1",
            ["MSBUILDDISABLENODEREUSE"] = "1",
        };
        File.WriteAllText(Path.Combine(_root, "nuget.config"), $"""
            <configuration>
              <packageSources>
                <add key="dynamicmoe" value="{Places.Packages}" />
              </packageSources>
              <packageSourceMapping>
                <packageSource key="dynamicmoe">
                  <package pattern="DynamicMoE" />
                  <package pattern="DynamicMoE.*" />
                  <package pattern="dmoe" />
                </packageSource>
                <packageSource key="nuget.org">
                  <package pattern="*" />
                </packageSource>
              </packageSourceMapping>
              <fallbackPackageFolders>
                <add key="machine" value="{Places.PackageCache}" />
              </fallbackPackageFolders>
            </configuration>
            """);
    }

    /// <summary>Builds an application and runs it.</summary>
    /// <param name="name">Folder of its sources below Apps.</param>
    /// <param name="sdk">SDK of its project.</param>
    /// <param name="packages">Packages that it references, with versions.</param>
    /// <param name="arguments">Arguments of the application.</param>
    /// <returns>What it wrote.</returns>
    internal async Task<string> BuildAndRunAsync(string name, string sdk, (string Id, string Version)[] packages, params string[] arguments)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_root, name)).FullName;
        foreach (string file in Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Apps", name)))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        IEnumerable<string> references = packages.Select(package => $"""    <PackageReference Include="{package.Id}" Version="{package.Version}" />""");
        await File.WriteAllTextAsync(Path.Combine(folder, "App.csproj"), $"""
            <Project Sdk="{sdk}">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
              </PropertyGroup>
              <ItemGroup>
            {string.Join('\n', references)}
              </ItemGroup>
            </Project>
            """);
        await RunAsync(folder, "dotnet", "build", "-c", "Release", "-o", "out");
        return await RunAsync(folder, "dotnet", ["out/App.dll", .. arguments]);
    }

    /// <summary>Installs the tool.</summary>
    /// <returns>Path of its command.</returns>
    internal async Task<string> InstallToolAsync()
    {
        await RunAsync(_root, "dotnet", "tool", "install", "dmoe", "--version", Package.Version, "--tool-path", "tools");
        return Path.Combine(_root, "tools/dmoe");
    }

    /// <summary>Runs a program in this folder.</summary>
    internal Task<string> RunAsync(string program, params string[] arguments) => RunAsync(_root, program, arguments);

    /// <summary>Writes a file into this folder.</summary>
    /// <returns>Its path.</returns>
    internal string Write(string name, string text)
    {
        string path = Path.Combine(_root, name);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private Task<string> RunAsync(string folder, string program, params string[] arguments) => Command.RunAsync(folder, _environment, program, arguments);
}
