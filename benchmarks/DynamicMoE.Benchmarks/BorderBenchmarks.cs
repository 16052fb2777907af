using BenchmarkDotNet.Attributes;
using DynamicMoE.Bindings;
using DynamicMoE.Native;

namespace DynamicMoE.Benchmarks;

/// <summary>What does the way of a layer call to the native core and back cost? <c>border_noop</c> of benchmarks/native is the same call from C++.</summary>
[MemoryDiagnoser]
public class BorderBenchmarks
{
    private readonly float[] _input = Enumerable.Repeat(1f, Workload.Hidden).ToArray();
    private readonly float[] _output = new float[Workload.Hidden];
    private readonly RoutingBuffers _buffers = new(1, Workload.Trained, Workload.Experts, withLogits: false);
    private GateWeights _gate = null!;
    private ExpertBank _bank = null!;
    private LayerHandle _layer = null!;

    [GlobalSetup]
    public void Setup()
    {
        _gate = GateWeights.CreateRandom(
            new GateOptions { InputDim = Workload.Hidden, NumExperts = Workload.Experts, TrainedExperts = Workload.Trained }, seed: 1);
        _bank = ExpertBank.CreateRandom(new ExpertBankOptions { NumExperts = Workload.Experts, Hidden = Workload.Hidden, Width = 1 }, seed: 2);
        _layer = LayerCalls.Create(1, 0, _gate.Handle, _bank.Handle, null, default);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _layer.Dispose();
        _bank.Dispose();
        _gate.Dispose();
    }

    [Benchmark]
    public RoutingReport Noop()
    {
        var parameters = new RouteParams { MinExperts = Workload.Trained, MaxExperts = Workload.Trained, TopP = 1 };
        return LayerCalls.Noop(_layer, _input, 1, Workload.Hidden, in parameters, null, _buffers, _output);
    }
}
