using System.Text;
using DynamicMoE.Hosting;

namespace DynamicMoE.Server;

/// <summary>What was generated so far.</summary>
/// <param name="keepTokens">Whether tokens and their experts are kept.</param>
internal sealed class Generated(bool keepTokens)
{
    private readonly StringBuilder _text = new();
    private readonly List<double> _experts = [];
    private readonly List<int> _tokens = [];
    private double _expertsSum;
    private int _promptTokens;
    private int _count;

    public string Text => _text.ToString();

    public FinishReason? Finish { get; private set; }

    public double? Ceiling { get; private set; }

    public Usage Usage => new(_promptTokens, _count);

    /// <summary>Mean experts per token; null: no tokens.</summary>
    public double? Mean => _count == 0 ? null : _expertsSum / _count;

    /// <summary>Adds a token.</summary>
    /// <param name="update">The token.</param>
    /// <param name="keepText">Whether its text is kept.</param>
    public void Add(GenerationUpdate update, bool keepText)
    {
        _promptTokens = update.PromptTokens;
        Finish = update.FinishReason;
        Ceiling = update.ExpertsCeiling ?? Ceiling;
        if (keepText)
        {
            _ = _text.Append(update.Text);
        }

        if (update.TokenId < 0)
        {
            return;
        }

        _count++;
        _expertsSum += update.Experts;
        if (keepTokens)
        {
            _tokens.Add(update.TokenId);
            _experts.Add(Math.Round(update.Experts, 4));
        }
    }

    /// <summary>Experts of the whole answer.</summary>
    public TokenExperts Experts() => new()
    {
        MeanExpertsPerToken = Mean,
        ExpertsCeiling = Ceiling,
        Experts = keepTokens ? _experts : null,
        TokenIds = keepTokens ? _tokens : null,
    };

    /// <summary>Experts of an event of a stream: of its token where they were asked for, and of all at the end; null: neither.</summary>
    public TokenExperts? Experts(GenerationUpdate update)
    {
        bool token = keepTokens && update.TokenId >= 0, end = update.FinishReason is not null;
        return !token && !end ? null : new TokenExperts
        {
            MeanExpertsPerToken = end ? Mean : null,
            ExpertsCeiling = end ? Ceiling : null,
            Experts = token ? [Math.Round(update.Experts, 4)] : null,
            TokenIds = token ? [update.TokenId] : null,
        };
    }
}
