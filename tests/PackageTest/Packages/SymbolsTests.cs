using System.Reflection.Metadata;
using System.Text;
using System.Text.Json;

namespace PackageTest.Packages;

/// <summary>Symbol packages: a debugger finds every source, and none by a path of the machine that built it.</summary>
public class SymbolsTests
{
    private static readonly Guid s_sourceLink = new("CC110556-A091-4D38-9FEC-25AB9A351A6A");
    private static readonly Guid s_embeddedSource = new("0E8A571B-6926-466E-B4AD-8AB04611F5FE");

    public static TheoryData<string> Files => [.. Package.Libraries.Select(id => $"{id}|lib/net10.0/{id}.pdb"), "dmoe|tools/net10.0/any/dmoe.pdb"];

    [Theory, MemberData(nameof(Files))]
    public void Symbols_WhenPacked_LeadToEverySource(string packageAndFile)
    {
        string[] parts = packageAndFile.Split('|');
        Package package = Package.Open(parts[0], "snupkg");
        Assert.Contains(parts[1], package.Files);

        using var provider = MetadataReaderProvider.FromPortablePdbStream(new MemoryStream(package.Read(parts[1])));
        MetadataReader reader = provider.GetMetadataReader();
        string[] linked = [.. Information(reader, EntityHandle.ModuleDefinition, s_sourceLink).SelectMany(LinkedFolders)];
        Assert.NotEmpty(reader.Documents);
        foreach (DocumentHandle handle in reader.Documents)
        {
            string name = reader.GetString(reader.GetDocument(handle).Name);
            Assert.StartsWith("/_/", name, StringComparison.Ordinal);
            Assert.True(
                Information(reader, handle, s_embeddedSource).Any() || linked.Any(folder => name.StartsWith(folder, StringComparison.Ordinal)),
                $"{name} is neither embedded nor linked");
        }
    }

    private static IEnumerable<byte[]> Information(MetadataReader reader, EntityHandle of, Guid kind) =>
        from handle in reader.GetCustomDebugInformation(of)
        let information = reader.GetCustomDebugInformation(handle)
        where reader.GetGuid(information.Kind) == kind
        select reader.GetBlobBytes(information.Value);

    // {"documents": {"/_/*": "https://host/owner/name/commit/*"}}
    private static IEnumerable<string> LinkedFolders(byte[] json)
    {
        using JsonDocument link = JsonDocument.Parse(Encoding.UTF8.GetString(json));
        return [.. link.RootElement.GetProperty("documents").EnumerateObject().Select(property => property.Name.TrimEnd('*'))];
    }
}
