using DynamicMoE.TestKit.Generators;

namespace DynamicMoE.Hosting.Tests.Settings;

/// <summary>What settings accept, the router accepts.</summary>
public sealed class LibraryAgreementTests
{
    [Fact]
    public void Defaults_WhenMadeIntoOptions_AreTheLibrarysOwn()
    {
        DynamicRouterOptions options = new Sources().Read().Router.ToOptions();

        AssertSame(new DynamicRouterOptions(), options);
        AssertSame(new EstimatorOptions(), options.EstimatorOptions!);
        AssertSame(new AdaptiveRouterOptions(), new Sources { Assignments = ["router.adaptive=true"] }.Read().Router.ToOptions());
    }

    // 400 draws of the router's settings, each at a bound, in between, or left alone: those that are accepted make a router, and of those refused by a rule
    // between two keys the router refuses all.
    [Fact]
    public void Settings_WhenDrawnAtRandom_AreAcceptedOnlyIfTheRouterTakesThem()
    {
        var random = new SeededRandom(11);
        int taken = 0, refused = 0;
        for (int round = 0; round < 400; round++)
        {
            string[] assignments = Draw(random);
            try
            {
                DynamicMoESettings settings = new Sources { Assignments = assignments }.Read();
                using DynamicRouter router = RouterFactory.Create(settings.Router.ToOptions(), null, settings);
                Assert.Equal(settings.Router.NumExperts, router.NumExperts);
                taken++;
            }
            catch (SettingsException error)
            {
                Assert.All(error.Problems, problem => Assert.Null(problem.Allowed));
                refused++;
            }
        }

        Assert.InRange(taken, 50, 350);
        Assert.InRange(refused, 50, 350);
    }

    private static string[] Draw(SeededRandom random)
    {
        List<string> assignments = [$"router.input_dim={Any("1", "7", "64")}", $"router.num_experts={Any("1", "4", "9")}"];
        Maybe("min_experts", "1", "2", "4");
        Maybe("max_experts", "1", "3", "9");
        Maybe("routing_strategy", "top_k", "threshold", "top_p");
        Maybe("mean_experts_budget", "1", "1.5", "3");
        Maybe("max_distinct_experts", "1", "4", "9");
        Maybe("balance_step", "1e-30", "0.5", "1");
        Maybe("balance_bound", "0", "0.5", "1");
        Maybe("weight_penalty", "1e-30", "0.2", "0.5");
        Maybe("noise_factor", "0", "0.1", "1");
        Maybe("tau", "0", "0.5", "1");
        Maybe("top_p", "1e-30", "0.5", "1");
        Maybe("max_tokens", "1", "33", "512");
        Maybe("threads", "0", "2", "1024");
        Maybe("seed", "0", "5", "18446744073709551615");
        Maybe("adaptive", "true", "false", "false");
        Maybe("adaptation_rate", "1e-300", "0.5", "1");
        Maybe("complexity_estimator", "router_margin", "threshold", "attention_entropy");
        Maybe("estimator.epsilon", "1e-30", "0.5", "1");
        Maybe("estimator.temperature", "1e-30", "2", "1000");
        Maybe("estimator.percentile", "1e-300", "50", "100");
        return [.. assignments];

        string Any(params string[] values) => values[random.NextInt(0, values.Length)];

        void Maybe(string key, params string[] values)
        {
            if (random.NextInt(0, 3) == 0)
                assignments.Add($"router.{key}={Any(values)}");
        }
    }

    private static void AssertSame(object expected, object actual)
    {
        Assert.Equal(expected.GetType(), actual.GetType());
        foreach (var property in expected.GetType().GetProperties().Where(p => p.Name != nameof(DynamicRouterOptions.EstimatorOptions)))
            Assert.Equal((property.Name, property.GetValue(expected)), (property.Name, property.GetValue(actual)));
    }
}
