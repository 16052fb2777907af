using DynamicMoE.TestKit.Experts;
using DynamicMoE.TestKit.Generators;

namespace DynamicMoE.Tests.Support;

/// <summary>Experts with known weights, native and for the reference.</summary>
internal sealed record TestExperts(ExpertBank Bank, IReadOnlyList<ReferenceExpert> Reference) : IDisposable
{
    public static TestExperts Create(ExpertBankOptions options, ulong seed = 1)
    {
        var random = new SeededRandom(seed);
        ExpertBank bank = ExpertBank.Create(options);
        var reference = new List<ReferenceExpert>();
        int matrix = options.Width * options.Hidden;
        bool gated = options.Kind == ExpertKind.SwiGlu;
        bool linear = options.Kind == ExpertKind.Linear;
        double deviation = 1 / Math.Sqrt(options.Hidden);
        for (int expert = 0; expert < options.NumExperts; expert++)
        {
            var weights = new ReferenceExpert
            {
                Kind = (ReferenceExpertKind)options.Kind,
                Hidden = options.Hidden,
                Width = options.Width,
                Gate = gated ? random.Gaussian(matrix, deviation) : null,
                Up = random.Gaussian(matrix, deviation),
                Down = linear ? null : random.Gaussian(matrix, deviation),
                GateBias = options.UseBias && gated ? random.Gaussian(options.Width, 0.1) : null,
                UpBias = options.UseBias ? random.Gaussian(options.Width, 0.1) : null,
                DownBias = options.UseBias && !linear ? random.Gaussian(options.Hidden, 0.1) : null,
            };
            ExpertWeights native = ExpertWeights.FromFloat32(weights.Gate, weights.Up, weights.Down);
            native.GateBias = weights.GateBias;
            native.UpBias = weights.UpBias;
            native.DownBias = weights.DownBias;
            bank.SetExpert(expert, native);
            reference.Add(weights);
        }

        return new TestExperts(bank, reference);
    }

    public void Dispose() => Bank.Dispose();
}

/// <summary>A managed expert of a function.</summary>
internal sealed class FunctionExpert(FunctionExpert.Body body) : IExpert, IDisposable
{
    public delegate void Body(ReadOnlySpan<float> rows, int count, Span<float> output);

    public bool Disposed { get; private set; }

    public void Forward(ReadOnlySpan<float> rows, int count, Span<float> output) => body(rows, count, output);

    public void Dispose() => Disposed = true;

    /// <summary>Multiplies by a factor.</summary>
    public static FunctionExpert Times(float factor) => new((rows, _, output) =>
    {
        for (int i = 0; i < rows.Length; i++)
        {
            output[i] = rows[i] * factor;
        }
    });
}
