using DynamicMoE.Cli.Evaluation;

namespace DynamicMoE.Cli.Tests.Evaluation;

/// <summary>A model whose score is a function of rule and window, and which writes down every call.</summary>
internal sealed class FakeModel(Func<RoutingRule, int, WindowScore> score) : IEvaluationModel
{
    public List<string> Calls { get; } = [];

    public EvaluationModelInfo Info { get; } = new()
    {
        Name = "fake",
        Family = "mixtral",
        Layers = 4,
        MoeLayers = 3,
        Experts = 8,
        TrainedExperts = 2,
        Window = 4,
        Batch = 4,
        Format = "f32",
    };

    public int[] Tokenize(string text) => [.. text.Select(c => (int)c)];

    public int FirstTokenBytes(ReadOnlySpan<int> tokens) => 1;

    public IEvaluationRun Start(RoutingRule rule) => new Run(this, rule, score);

    public void Dispose()
    {
    }

    private sealed class Run(FakeModel model, RoutingRule rule, Func<RoutingRule, int, WindowScore> score) : IEvaluationRun
    {
        public WindowScore Score(ReadOnlySpan<int> tokens)
        {
            model.Calls.Add($"{rule.Name}: {string.Join(',', tokens.ToArray())}");
            return score(rule, tokens.Length);
        }
    }
}
