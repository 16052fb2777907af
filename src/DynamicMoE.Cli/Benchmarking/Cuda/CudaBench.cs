using DynamicMoE.Cli.Models;

namespace DynamicMoE.Cli.Benchmarking.Cuda;

/// <summary>Measures our layer on a CUDA device and sets it beside the model.</summary>
internal static class CudaBench
{
    private const int WarmUps = 3;

    /// <summary>Measures one cell.</summary>
    /// <exception cref="BackendException">There is no such device, or it is not usable.</exception>
    public static async Task<CudaCell> RunAsync(LayerRequest request, ComputeDevice where)
    {
        using CudaDevice device = CudaDevice.Open(new CudaDeviceOptions { Index = where.Index < 0 ? null : where.Index });
        var weights = new LayerWeights(request.Shape, request.Format, request.Seed);
        var batches = new TokenBatches(new TokenPool(weights, request.Tokens), request.Tokens);
        using var layer = new DynamicMoELayer(weights);
        weights.ForEach(layer.SetExpert);
        using DynamicMoERun run = layer.Prepare(batches, request.Threads, device);
        using var resident = new ResidentBatches(device, batches, request.Shape.Hidden);

        double[] onDevice = await TimeAsync(request.Repetitions, call => run.ForwardAsync(resident.Batch(call % batches.Count))).ConfigureAwait(false);
        double[] withCopies = await TimeAsync(request.Repetitions, call =>
        {
            run.Run(call % batches.Count);
            return Task.CompletedTask;
        }).ConfigureAwait(false);
        double time = CellArithmetic.Median(onDevice);
        CudaCard? card = CudaCard.Of(device.Info);
        double? model = card is not null
            ? new CudaLayerModel(card, CudaKernels.Embedded()).Seconds(request.Shape, request.Format, request.Tokens)
            : null;
        return new CudaCell
        {
            Shape = request.Shape.Name,
            Tokens = request.Tokens,
            Format = WeightFormats.Name(request.Format),
            Device = device.Info.Name,
            ComputeCapability = device.Info.ComputeCapability.ToString(),
            Driver = device.Info.DriverVersion.ToString(),
            Milliseconds = 1000 * time,
            MillisecondsWithCopies = 1000 * CellArithmetic.Median(withCopies),
            Repetitions = request.Repetitions,
            ModelMilliseconds = 1000 * model,
            ModelSource = card?.Source,
            RatioToModel = time / model,
        };
    }

    private static async Task<double[]> TimeAsync(int repetitions, Func<int, Task> call)
    {
        var seconds = new double[repetitions];
        for (int i = -WarmUps; i < repetitions; i++)
        {
            long start = TimeProvider.System.GetTimestamp();
            await call(i + WarmUps).ConfigureAwait(false);
            if (i >= 0)
            {
                seconds[i] = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
            }
        }

        return seconds;
    }

    /// <summary>Batches that lie in device memory.</summary>
    private sealed class ResidentBatches : IDisposable
    {
        private readonly DeviceBuffer[] _inputs;
        private readonly DeviceBuffer _output;
        private readonly int _tokens;

        public ResidentBatches(CudaDevice device, TokenBatches batches, int hidden)
        {
            _tokens = batches.Tokens;
            _inputs = [.. Enumerable.Range(0, batches.Count).Select(batch => device.Upload(batches.Batch(batch)))];
            _output = device.Allocate((long)_tokens * hidden * sizeof(float));
        }

        public DeviceForward Batch(int index) => new() { Tokens = _tokens, Hidden = _inputs[index].Address, Output = _output.Address };

        public void Dispose()
        {
            foreach (DeviceBuffer input in _inputs)
            {
                input.Dispose();
            }

            _output.Dispose();
        }
    }
}
