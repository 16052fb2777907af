using Microsoft.ML.OnnxRuntime;

namespace DynamicMoE.Peers.Onnx;

/// <summary>ONNX Runtime's MoE and QMoE on the CPU: float32, or 8 and 4 bits in blocks of 32 with 8-bit activations. The gate is a node of the same graph.</summary>
internal sealed class OnnxRuntimeLayer : IImplementation
{
    private readonly OnnxMoEModel _model;
    private readonly LayerShape _shape;
    private readonly WeightFormat _format;
    private readonly Dictionary<string, OnnxWeights> _weights = [];
    private InferenceSession? _session;
    private int _sessionThreads;

    /// <exception cref="PeerRefusedException">The layer is too large.</exception>
    public OnnxRuntimeLayer(LayerWeights weights)
    {
        // The log warns where a layer does not suit the fast kernels; that shows in the times.
        OrtEnv.Instance().EnvLogLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR;
        _shape = weights.Shape;
        _format = weights.Format;
        _model = new OnnxMoEModel(_shape, _format);
        try
        {
            foreach (OnnxTensor tensor in _model.Tensors)
            {
                _weights.Add(tensor.Name, new OnnxWeights(tensor));
            }
        }
        catch
        {
            Dispose();
            throw;
        }

        for (int d = 0; d < _shape.Hidden; d++)
        {
            Span<float> row = _weights[OnnxMoEModel.Router].Row<float>(d);
            for (int e = 0; e < row.Length; e++)
            {
                row[e] = weights.Router[(e * _shape.Hidden) + d];
            }
        }
    }

    public string Name => "onnxruntime";

    public void SetExpert(int index, ExpertMatrices expert)
    {
        long width = _model.Width;
        Parallel.For(0, (int)width, f =>
        {
            long row = (((long)index * width) + f) * 2;
            SetRow(OnnxMoEModel.GateUp, row, expert.Gate, f);
            SetRow(OnnxMoEModel.GateUp, row + 1, expert.Up, f);
        });
        Parallel.For(0, _shape.Hidden, d => SetRow(OnnxMoEModel.Down, ((long)index * _shape.Hidden) + d, expert.Down, d));
    }

    public IPreparedLayer Prepare(TokenBatches batches, int threads)
    {
        if (_session is null || _sessionThreads != threads)
        {
            _session?.Dispose();
            _session = null;
            _session = OpenSession(threads);
            _sessionThreads = threads;
        }

        return new OnnxRuntimeRun(_session, batches, _shape.Hidden);
    }

    public void Dispose()
    {
        _session?.Dispose();
        foreach (OnnxWeights tensor in _weights.Values)
        {
            tensor.Dispose();
        }
    }

    // Rows and columns beyond the matrix are the padding of the width: zeros.
    private void SetRow(string name, long row, WeightMatrix matrix, int source)
    {
        bool padding = source >= matrix.Rows;
        if (_format == WeightFormat.Float32)
        {
            matrix.Values.AsSpan(source * matrix.Columns, matrix.Columns).CopyTo(_weights[name].Row<float>(row));
            return;
        }

        Span<float> scales = _weights[OnnxMoEModel.Scales(name)].Row<float>(row);
        scales.Fill(1);
        ReadOnlySpan<sbyte> integers = padding ? [] : matrix.Integers.AsSpan(source * matrix.Columns, matrix.Columns);
        if (!padding)
        {
            matrix.Scales.AsSpan(source * matrix.Blocks, matrix.Blocks).CopyTo(scales);
        }

        Pack(integers, _weights[name].Row<byte>(row));
    }

    // Unsigned, with 0 in the middle; two 4-bit values to a byte, the first in the lower half.
    private void Pack(ReadOnlySpan<sbyte> integers, Span<byte> packed)
    {
        if (_format == WeightFormat.Q8)
        {
            for (int i = 0; i < packed.Length; i++)
            {
                packed[i] = (byte)((i < integers.Length ? integers[i] : 0) + 128);
            }

            return;
        }

        for (int i = 0; i < packed.Length; i++)
        {
            int low = 2 * i < integers.Length ? integers[2 * i] : 0;
            int high = (2 * i) + 1 < integers.Length ? integers[(2 * i) + 1] : 0;
            packed[i] = (byte)((low + 8) | ((high + 8) << 4));
        }
    }

    private InferenceSession OpenSession(int threads)
    {
        // External data are declared relative to a model file, so there must be one.
        DirectoryInfo folder = Directory.CreateTempSubdirectory("dynamicmoe-peers");
        try
        {
            string path = Path.Combine(folder.FullName, "model.onnx");
            File.WriteAllBytes(path, _model.ToBytes());
            File.WriteAllBytes(Path.Combine(folder.FullName, OnnxMoEModel.ExternalFile), []);
            using var options = new SessionOptions { IntraOpNumThreads = threads };
            foreach (OnnxWeights tensor in _weights.Values)
            {
                options.AddInitializer(tensor.Tensor.Name, tensor.Value);
            }

            return new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException error)
        {
            throw new PeerRefusedException(error.Message);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
