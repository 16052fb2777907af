using System.Security.Cryptography;

namespace DynamicMoE.BindingGenerator;

/// <summary>Writes the bindings, or with <c>--verify</c> checks that the committed ones are current.</summary>
internal static class Program
{
    private const string HeaderPath = "native/include/dynamicmoe/dynamicmoe.h";
    private const string OutputPath = "bindings/DynamicMoE.Bindings/Generated";

    private static int Main(string[] arguments)
    {
        if (arguments is not ([] or ["--verify"]))
        {
            Console.Error.WriteLine("usage: dotnet run --project bindings/generator [-- --verify]");
            return 2;
        }

        try
        {
            return Run(verify: arguments.Length == 1);
        }
        catch (GeneratorException failure)
        {
            Console.Error.WriteLine(failure.Message);
            return 2;
        }
    }

    private static int Run(bool verify)
    {
        string root = FindRoot();
        string header = Path.Combine(root, HeaderPath);
        string folder = Path.Combine(root, OutputPath);
        byte[] source = File.ReadAllBytes(header);
        HeaderModel model = AstReader.Read(Clang.DumpAst(header), source);
        SortedDictionary<string, string> files = new CSharpEmitter(model).Emit();
        // In sha256sum's format: a build without clang sees from it that the committed files are current.
        files.Add("header.sha256", $"{Convert.ToHexStringLower(SHA256.HashData(source))}  {HeaderPath}\n");
        if (!verify)
        {
            GeneratedFolder.Write(folder, files);
            Console.WriteLine($"{files.Count} files written to {OutputPath}");
            return 0;
        }

        IReadOnlyList<string> differences = GeneratedFolder.Differences(folder, files);
        foreach (string difference in differences)
            Console.Error.WriteLine($"{OutputPath}/{difference}");
        Console.WriteLine(differences.Count == 0 ? "bindings are current" : "bindings are stale: dotnet run --project bindings/generator");
        return differences.Count == 0 ? 0 : 1;
    }

    /// <summary>The repository is found from the working folder, else from where this program was built.</summary>
    private static string FindRoot()
    {
        foreach (string start in (string[])[Environment.CurrentDirectory, AppContext.BaseDirectory])
        {
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            {
                if (File.Exists(Path.Combine(folder.FullName, HeaderPath)))
                    return folder.FullName;
            }
        }

        throw new GeneratorException($"no folder above {Environment.CurrentDirectory} holds {HeaderPath}");
    }
}
