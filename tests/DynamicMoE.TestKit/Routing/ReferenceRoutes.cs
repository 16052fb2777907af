namespace DynamicMoE.TestKit.Routing;

/// <summary>Decisions for a batch, one array element per token.</summary>
public sealed class ReferenceRoutes(int tokens, int experts)
{
    /// <summary>T.</summary>
    public int Tokens { get; } = tokens;

    /// <summary>E.</summary>
    public int Experts { get; } = experts;

    /// <summary>Chosen experts in falling preference.</summary>
    public int[][] Ids { get; } = new int[tokens][];

    /// <summary>Weights of the chosen experts.</summary>
    public double[][] Weights { get; } = new double[tokens][];

    /// <summary>All selectable experts in falling preference; the chosen ones are a prefix until a capacity is applied.</summary>
    public int[][] Preference { get; } = new int[tokens][];

    /// <summary>Complexity in [0,1].</summary>
    public double[] Scores { get; } = new double[tokens];

    /// <summary>[T * E] logits, noise included.</summary>
    public double[] Logits { get; init; } = new double[tokens * experts];

    /// <summary>[T][E] distance of the i-th preference from the first, before any stop; +inf where masked.</summary>
    public double[][] Gaps { get; } = new double[tokens][];

    /// <summary>Smallest distance of any decision from its boundary, in units of logits; negative inside float32 rounding.</summary>
    public double[] Slack { get; } = new double[tokens];

    /// <summary>Routes over capacity before drop or reroute.</summary>
    public int OverflowRoutes { get; set; }

    /// <summary>Routes dropped.</summary>
    public int DroppedRoutes { get; set; }

    /// <summary>Routes in total.</summary>
    public int Routes => Ids.Sum(ids => ids.Length);

    /// <summary>Experts with a route.</summary>
    public int DistinctExperts => Ids.SelectMany(ids => ids).Distinct().Count();

    /// <summary>Largest load of one expert.</summary>
    public int MaxExpertRoutes => ExpertRoutes().Max();

    /// <summary>[E] routes per expert.</summary>
    public int[] ExpertRoutes()
    {
        var result = new int[Experts];
        foreach (int id in Ids.SelectMany(ids => ids))
        {
            result[id]++;
        }

        return result;
    }

    /// <summary>Whether logits that err by up to <paramref name="logitError"/> could lawfully decide otherwise. With 0 (same float
    /// logits) only decisions that pass through exp, log or a float sum can be close.</summary>
    public bool IsClose(int token, double logitError = 0) =>
        Slack[token] < 0 || (logitError > 0 && Slack[token] <= 2 * logitError);
}
