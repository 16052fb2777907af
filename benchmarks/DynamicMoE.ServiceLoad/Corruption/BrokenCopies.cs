using System.Text;

namespace DynamicMoE.ServiceLoad.Corruption;

/// <summary>A checkpoint's copies, each with a fault of its own.</summary>
internal static class BrokenCopies
{
    private const string Weights = "model.safetensors", Config = "config.json";

    /// <summary>Makes them below a folder.</summary>
    /// <returns>What is wrong, and where it lies.</returns>
    public static IEnumerable<(string Fault, string Path)> Make(string source, string folder)
    {
        yield return Copy("weights cut in half", path => Cut(path, Weights, 0.5));
        yield return Copy("weights without their last byte", path => Cut(path, Weights, 1));
        yield return Copy("weights empty", path => Cut(path, Weights, 0));
        yield return Copy("weights missing", path => File.Delete(Path.Combine(path, Weights)));
        yield return Copy("length of the header lies", path => Overwrite(path, Weights, 0, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]));
        yield return Copy("header is no JSON", path => Overwrite(path, Weights, 8, Encoding.ASCII.GetBytes("{{{{{{{{")));
        yield return Copy("config cut", path => Cut(path, Config, 0.5));
        yield return Copy("config of another shape", path => Replace(path, Config, "\"hidden_size\": 192", "\"hidden_size\": 256"));
        yield return Copy("config without experts", path => Replace(path, Config, "\"num_local_experts\": 8", "\"num_local_experts\": 0"));

        (string, string) Copy(string fault, Action<string> spoil)
        {
            string path = Whole(source, Path.Combine(folder, fault.Replace(' ', '-')));
            spoil(path);
            return (fault, path);
        }
    }

    /// <summary>Copies the folder as it is.</summary>
    public static string Whole(string source, string target)
    {
        Directory.CreateDirectory(target);
        foreach (string file in Directory.GetFiles(source))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
        }

        return target;
    }

    /// <summary>Cuts a file where it lies; a share of 1 takes one byte.</summary>
    public static void Cut(string folder, string name, double share)
    {
        using FileStream file = File.OpenWrite(Path.Combine(folder, name));
        file.SetLength(Math.Min(file.Length - 1, (long)(share * file.Length)));
    }

    private static void Overwrite(string folder, string name, long at, byte[] bytes)
    {
        using FileStream file = File.OpenWrite(Path.Combine(folder, name));
        file.Position = at;
        file.Write(bytes);
    }

    private static void Replace(string folder, string name, string from, string to)
    {
        string path = Path.Combine(folder, name), text = File.ReadAllText(path);
        File.WriteAllText(path, text.Replace(from, to, StringComparison.Ordinal) is var changed && changed != text
            ? changed : throw new InvalidDataException($"{name} has no {from}"));
    }
}
