using Microsoft.ML.OnnxRuntime;

namespace DynamicMoE.Peers.Onnx;

/// <summary>A session with tokens in memory; input and output are the caller's arrays.</summary>
internal sealed class OnnxRuntimeRun : IPreparedLayer
{
    private static readonly string[] InputNames = [OnnxMoEModel.Input], OutputNames = [OnnxMoEModel.Output];

    private readonly InferenceSession _session;
    private readonly RunOptions _options = new();
    private readonly OrtValue[][] _inputs;
    private readonly float[] _output;
    private readonly OrtValue[] _outputs;

    public OnnxRuntimeRun(InferenceSession session, TokenBatches batches, int hidden)
    {
        long[] shape = [batches.Tokens, hidden];
        _session = session;
        _inputs = [.. Enumerable.Range(0, batches.Count).Select(batch => new[] { OrtValue.CreateTensorValueFromMemory(batches.Batch(batch), shape) })];
        _output = new float[batches.Tokens * hidden];
        _outputs = [OrtValue.CreateTensorValueFromMemory(_output, shape)];
    }

    public void Run(int batch)
    {
        try
        {
            _session.Run(_options, InputNames, _inputs[batch], OutputNames, _outputs);
        }
        catch (OnnxRuntimeException error)
        {
            throw new PeerRefusedException(error.Message);
        }
    }

    public void CopyOutput(Span<float> output) => _output.CopyTo(output);

    public void Dispose()
    {
        foreach (OrtValue value in _inputs.SelectMany(values => values).Concat(_outputs))
        {
            value.Dispose();
        }

        _options.Dispose();
    }
}
