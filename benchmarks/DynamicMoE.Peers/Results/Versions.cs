using System.Reflection;
using Microsoft.ML.OnnxRuntime;

namespace DynamicMoE.Peers.Results;

/// <summary>Which versions of the other implementations are beside the program.</summary>
internal static class Versions
{
    public static IReadOnlyDictionary<string, string> OfPeers() => new SortedDictionary<string, string>
    {
        ["onnxruntime"] = OrtEnv.Instance().GetVersionString(),
        ["torchsharp"] = VersionOf(typeof(TorchSharp.torch).Assembly),
    };

    private static string VersionOf(Assembly assembly) => assembly.GetName().Version?.ToString(3) ?? "unknown";
}
