using DynamicMoE.Peers.LibTorch;
using DynamicMoE.Peers.Onnx;

namespace DynamicMoE.Peers;

/// <summary>The other implementations that have the format: libtorch for float32 and bfloat16, ONNX Runtime for float32, q8 and q4.</summary>
internal sealed class PeerList : IDisposable
{
    private readonly List<IImplementation> _peers = [];
    private readonly List<string> _refused = [];

    public PeerList(LayerWeights weights)
    {
        if (!LayerFormats.IsQuantized(weights.Format))
        {
            _peers.Add(new TorchSharpLayer(weights));
        }

        if (weights.Format != WeightFormat.BFloat16)
        {
            try
            {
                _peers.Add(new OnnxRuntimeLayer(weights));
            }
            catch (PeerRefusedException error)
            {
                _refused.Add($"onnxruntime: {error.Message}");
            }
        }
    }

    public void SetExpert(int index, ExpertMatrices expert)
    {
        foreach (IImplementation peer in _peers)
        {
            peer.SetExpert(index, expert);
        }
    }

    /// <summary>Makes ready what can run the layer.</summary>
    /// <param name="batches">Tokens.</param>
    /// <param name="threads">Threads of each.</param>
    /// <param name="check">Runs and checks one by name; returns its relative error.</param>
    public PreparedPeers Prepare(TokenBatches batches, int threads, Func<string, IPreparedLayer, double> check)
    {
        var prepared = new List<PreparedPeer>();
        var refused = new List<string>(_refused);
        foreach (IImplementation peer in _peers)
        {
            IPreparedLayer? layer = null;
            try
            {
                layer = peer.Prepare(batches, threads);
                prepared.Add(new PreparedPeer(peer.Name, layer, check(peer.Name, layer)));
            }
            catch (PeerRefusedException error)
            {
                layer?.Dispose();
                refused.Add($"{peer.Name}: {error.Message}");
            }
        }

        return new PreparedPeers(prepared, refused);
    }

    public void Dispose()
    {
        foreach (IImplementation peer in _peers)
        {
            peer.Dispose();
        }
    }
}

/// <summary>A peer that is ready and was checked.</summary>
/// <param name="Name">Implementation.</param>
/// <param name="Layer">The layer.</param>
/// <param name="RelativeError">Largest |y - reference| / |reference| of a checked token.</param>
internal sealed record PreparedPeer(string Name, IPreparedLayer Layer, double RelativeError);

/// <summary>Peers of one cell.</summary>
/// <param name="Ready">Those that run.</param>
/// <param name="Refused">The others, and why.</param>
internal sealed record PreparedPeers(IReadOnlyList<PreparedPeer> Ready, IReadOnlyList<string> Refused) : IDisposable
{
    public void Dispose()
    {
        foreach (PreparedPeer peer in Ready)
        {
            peer.Layer.Dispose();
        }
    }
}
