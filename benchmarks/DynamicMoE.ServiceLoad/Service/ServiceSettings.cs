using System.Globalization;
using System.Text;

namespace DynamicMoE.ServiceLoad.Service;

/// <summary>The file of settings of a service: ephemeral loopback ports, no rate limit, and what a scenario adds.</summary>
internal sealed class ServiceSettings
{
    private readonly SortedDictionary<string, string> _values = new(StringComparer.Ordinal)
    {
        ["server.port"] = "0",
        ["monitoring.health_port"] = "0",
        ["monitoring.metrics_port"] = "0",
        ["security.rate_limit"] = "0",
    };

    public ServiceSettings Set<T>(string key, T value)
        where T : notnull
    {
        _values[key] = Convert.ToString(value, CultureInfo.InvariantCulture)!;
        return this;
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        Write(text, _values.Select(pair => (pair.Key.Split('.'), pair.Value)), depth: 0);
        return text.ToString();
    }

    private static void Write(StringBuilder text, IEnumerable<(string[] Path, string Value)> values, int depth)
    {
        foreach (var group in values.GroupBy(value => value.Path[depth]))
        {
            text.Append(' ', 2 * depth).Append(group.Key).Append(':');
            if (group.First().Path.Length == depth + 1)
            {
                text.Append(' ').Append(group.First().Value).Append('\n');
                continue;
            }

            text.Append('\n');
            Write(text, group, depth + 1);
        }
    }
}
