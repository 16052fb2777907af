namespace DynamicMoE.Models;

/// <summary>The files of a folder.</summary>
internal sealed class FolderFiles(string folder) : IModelFiles
{
    public bool Has(string name) => File.Exists(Place(name));

    public string Place(string name) => Path.Combine(folder, name);

    public Stream OpenFile(string name) => File.OpenRead(Place(name));
}
