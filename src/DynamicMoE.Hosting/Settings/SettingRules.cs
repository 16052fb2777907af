using System.Net;

namespace DynamicMoE.Hosting;

/// <summary>Rules between two settings. A rule is left out when one of them was refused by itself.</summary>
internal sealed class SettingRules(SettingValues values, IReadOnlySet<SettingKey> refused)
{
    private readonly List<SettingProblem> _problems = [];

    internal static IReadOnlyList<SettingProblem> Broken(SettingValues values, IReadOnlySet<SettingKey> refused)
    {
        var rules = new SettingRules(values, refused);
        rules.NotAbove(SettingKeys.MinExperts, values.Get(SettingKeys.MinExperts), SettingKeys.MaxExperts, values.Get(SettingKeys.MaxExperts));
        rules.NotAbove(SettingKeys.MaxExperts, values.Get(SettingKeys.MaxExperts), SettingKeys.NumExperts, values.Get(SettingKeys.NumExperts));
        rules.NotAbove(SettingKeys.MinExperts, values.Get(SettingKeys.MinExperts), SettingKeys.NumExperts, values.Get(SettingKeys.NumExperts));
        rules.NotAbove(SettingKeys.MinExperts, values.Get(SettingKeys.MinExperts), SettingKeys.MeanExpertsBudget, values.Get(SettingKeys.MeanExpertsBudget));
        rules.NotAbove(SettingKeys.MeanExpertsBudget, values.Get(SettingKeys.MeanExpertsBudget), SettingKeys.MaxExperts, values.Get(SettingKeys.MaxExperts));
        rules.NotAbove(SettingKeys.MeanExpertsBudget, values.Get(SettingKeys.MeanExpertsBudget), SettingKeys.NumExperts, values.Get(SettingKeys.NumExperts));
        rules.NotAbove(SettingKeys.MinExperts, values.Get(SettingKeys.MinExperts), SettingKeys.MaxDistinctExperts, values.Get(SettingKeys.MaxDistinctExperts));
        rules.NotAbove(SettingKeys.MaxDistinctExperts, values.Get(SettingKeys.MaxDistinctExperts), SettingKeys.NumExperts, values.Get(SettingKeys.NumExperts));
        rules.Require(
            values.Get(SettingKeys.MeanExpertsBudget) is null || values.Get(SettingKeys.RoutingStrategy) == RoutingStrategy.Threshold,
            SettingKeys.MeanExpertsBudget,
            SettingKeys.RoutingStrategy,
            "needs threshold as");
        rules.Ports();
        rules.Service();
        return rules._problems;
    }

    private void Ports()
    {
        SettingKey<int>[] ports = [SettingKeys.Port, SettingKeys.HealthPort, SettingKeys.MetricsPort];
        foreach ((SettingKey<int> one, SettingKey<int> other) in ((SettingKey<int>, SettingKey<int>)[])[(ports[0], ports[1]), (ports[0], ports[2]), (ports[1], ports[2])])
        {
            Require(values.Get(one) == 0 || values.Get(one) != values.Get(other), one, other, "must differ from");
        }
    }

    private void Service()
    {
        Require(!values.Get(SettingKeys.ApiKeyRequired) || values.Get(SettingKeys.ApiKeysFile) is not null, SettingKeys.ApiKeyRequired, SettingKeys.ApiKeysFile, "needs a file as");
        Require(!values.Get(SettingKeys.SslEnabled) || values.Get(SettingKeys.SslCertFile) is not null, SettingKeys.SslEnabled, SettingKeys.SslCertFile, "needs a file as");
        Require(!values.Get(SettingKeys.SslEnabled) || values.Get(SettingKeys.SslKeyFile) is not null, SettingKeys.SslEnabled, SettingKeys.SslKeyFile, "needs a file as");
        bool mayBind = values.Get(SettingKeys.Insecure) || IPAddress.IsLoopback(values.Get(SettingKeys.Bind));
        const string Public = "is not loopback and, unless server.insecure is true, needs true as";
        Require(mayBind || values.Get(SettingKeys.ApiKeyRequired), SettingKeys.Bind, SettingKeys.ApiKeyRequired, Public);
        Require(mayBind || values.Get(SettingKeys.SslEnabled), SettingKeys.Bind, SettingKeys.SslEnabled, Public);
    }

    private void NotAbove(SettingKey low, double? value, SettingKey high, double? bound) =>
        Require(value is null || bound is null || value <= bound, low, high, "exceeds");

    private void Require(bool holds, SettingKey key, SettingKey other, string relation)
    {
        if (holds || refused.Contains(key) || refused.Contains(other))
        {
            return;
        }

        // The place of the one that somebody set; of both, the first.
        SettingSource source = values.Source(key).Kind <= SettingSourceKind.Preset ? values.Source(other) : values.Source(key);
        string? value = key.Show(values.Get(key));
        _problems.Add(new SettingProblem(
            source, key.Path, value, null, $"{key.Path} ({value}, {values.Source(key)}) {relation} {other.Path} ({other.Show(values.Get(other)) ?? "null"}, {values.Source(other)})"));
    }
}
