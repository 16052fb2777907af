using System.Numerics.Tensors;

namespace DynamicMoE.Benchmarks;

/// <summary>One layer of the size of a small Mixtral: hidden 512, 8 SwiGLU experts of width 1024, trained with 2.</summary>
internal sealed class Workload : IDisposable
{
    public const int Hidden = 512;
    public const int Experts = 8;
    public const int Trained = 2;

    private readonly GateWeights _gate = GateWeights.CreateRandom(
        new GateOptions { InputDim = Hidden, NumExperts = Experts, TrainedExperts = Trained }, seed: 1);
    private readonly ExpertBank _bank = ExpertBank.CreateRandom(
        new ExpertBankOptions { NumExperts = Experts, Hidden = Hidden, Width = 1024, Format = WeightFormat.BFloat16 }, seed: 2);

    public Workload(int tokens, DynamicRouterOptions options)
    {
        Tokens = tokens;
        Router = new DynamicRouter(_gate, options);
        Layer = new MoELayer(Router, _bank);
        Input = new float[tokens * Hidden];
        Output = new float[tokens * Hidden];
        Buffers = new RoutingBuffers(tokens, Router.MaxExperts, Experts, withLogits: false);
        var random = new Random(3);
        for (int i = 0; i < Input.Length; i++)
        {
            // The sum of a few uniform numbers is near enough to a normal one; gates of random weights then have spread logits.
            Input[i] = (random.NextSingle() + random.NextSingle() + random.NextSingle() - 1.5f) * 4;
        }

        Tensor = System.Numerics.Tensors.Tensor.Create(Input, [1, tokens, Hidden]);
        for (int batch = 0; batch < 50; batch++)
        {
            Router.Route(Input, tokens, Buffers);
        }
    }

    public int Tokens { get; }

    public DynamicRouter Router { get; }

    public MoELayer Layer { get; }

    public float[] Input { get; }

    public float[] Output { get; }

    public Tensor<float> Tensor { get; }

    public RoutingBuffers Buffers { get; }

    /// <summary>Every token gets the trained count.</summary>
    public static DynamicRouterOptions Fixed() => new() { MinExperts = Trained, ComplexityEstimator = ComplexityEstimators.RouterMargin };

    /// <summary>The threshold rule with a mean budget.</summary>
    public static DynamicRouterOptions Budget(double mean) => new() { Strategy = RoutingStrategy.Threshold, MeanExpertsBudget = mean };

    public void Dispose()
    {
        Layer.Dispose();
        Router.Dispose();
        _bank.Dispose();
        _gate.Dispose();
    }
}
