using System.IO.Compression;
using System.Xml.Linq;

namespace PackageTest.Packages;

/// <summary>A package file (nupkg or snupkg) that was read.</summary>
internal sealed class Package
{
    private readonly string _path;

    private Package(string path)
    {
        _path = path;
        using ZipArchive archive = ZipFile.OpenRead(path);
        Files = [.. archive.Entries.Select(entry => entry.FullName).Where(name => !IsContainer(name)).Order(StringComparer.Ordinal)];
        using Stream stream = archive.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        Metadata = XElement.Load(stream).Elements().Single();
    }

    /// <summary>The only package of that id.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="extension">nupkg or snupkg.</param>
    public static Package Open(string id, string extension = "nupkg") => new(Path.Combine(Places.Packages, $"{id}.{Version}.{extension}"));

    /// <summary>Ids of those that an application compiles against.</summary>
    public static string[] Libraries { get; } = ["DynamicMoE", "DynamicMoE.Bindings", "DynamicMoE.Models", "DynamicMoE.Hosting", "DynamicMoE.Server"];

    /// <summary>Version that all packages of the run have; the name of one of them says it.</summary>
    public static string Version { get; } = FindVersion();

    /// <summary>Paths inside, in ordinal order, without what every package has for the format's sake.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Metadata of the nuspec.</summary>
    public XElement Metadata { get; }

    /// <summary>Text of an element of the metadata, "" where it is missing.</summary>
    public string this[string name] => Element(name)?.Value ?? "";

    /// <summary>An element of the metadata.</summary>
    public XElement? Element(string name) => Metadata.Elements().SingleOrDefault(element => element.Name.LocalName == name);

    /// <summary>Dependencies: id and version.</summary>
    public IReadOnlyDictionary<string, string> Dependencies =>
        Metadata.Descendants().Where(element => element.Name.LocalName == "dependency")
            .ToDictionary(element => element.Attribute("id")!.Value, element => element.Attribute("version")!.Value);

    /// <summary>Content of a file inside.</summary>
    public byte[] Read(string file)
    {
        using ZipArchive archive = ZipFile.OpenRead(_path);
        using Stream stream = archive.GetEntry(file)!.Open();
        using var content = new MemoryStream();
        stream.CopyTo(content);
        return content.ToArray();
    }

    private static bool IsContainer(string name) =>
        name is "[Content_Types].xml" || name.StartsWith("_rels/", StringComparison.Ordinal) || name.StartsWith("package/", StringComparison.Ordinal)
        || name.EndsWith(".nuspec", StringComparison.Ordinal);

    private static string FindVersion()
    {
        string[] found = Directory.Exists(Places.Packages) ? Directory.GetFiles(Places.Packages, "DynamicMoE.Runtime.*.nupkg") : [];
        return found.Length == 1
            ? Path.GetFileNameWithoutExtension(found[0])["DynamicMoE.Runtime.".Length..]
            : throw new InvalidOperationException($"{Places.Packages} holds {found.Length} DynamicMoE.Runtime; ./build.sh --target=TestPackages packs one");
    }
}
