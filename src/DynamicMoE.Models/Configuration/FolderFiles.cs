namespace DynamicMoE.Models;

/// <summary>The files of a folder.</summary>
internal sealed class FolderFiles(string folder) : IModelFiles
{
    public bool Has(string name) => File.Exists(Place(name));

    public string Place(string name) => Path.Combine(folder, name);

    public Stream OpenFile(string name)
    {
        FileStream stream = File.OpenRead(Place(name));
        try
        {
            // A pipe has no size.
            SmallFiles.Check(this, name, stream.CanSeek ? stream.Length : 0);
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }
}
