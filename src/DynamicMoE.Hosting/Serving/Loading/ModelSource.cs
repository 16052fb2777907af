using DynamicMoE.Models;

namespace DynamicMoE.Hosting.Loading;

/// <summary>A model that the host registered.</summary>
/// <param name="Name">Under which callers ask for it.</param>
/// <param name="Path">Folder or packed file; null: <paramref name="Load"/> has it from elsewhere.</param>
/// <param name="Load">Makes it, with the service's options.</param>
internal sealed record ModelSource(string Name, string? Path, Func<ModelLoadOptions, MoEModel> Load);
