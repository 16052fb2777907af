using DynamicMoE.ServiceLoad.Report;

namespace DynamicMoE.ServiceLoad.Service;

/// <summary>Open descriptors of a service before something, to be found again after it.</summary>
internal sealed class DescriptorBaseline
{
    private static readonly TimeSpan s_settle = TimeSpan.FromSeconds(2), s_patience = TimeSpan.FromSeconds(15), s_step = TimeSpan.FromMilliseconds(100);

    private readonly ServiceProcess _service;
    private readonly IReadOnlyDictionary<string, int> _before;

    private DescriptorBaseline(ServiceProcess service) => (_service, _before) = (service, service.DescriptorKinds());

    /// <summary>Counts them once those of closed connections had time to go.</summary>
    public static async Task<DescriptorBaseline> TakeAsync(ServiceProcess service, CancellationToken cancellation)
    {
        await Task.Delay(s_settle, cancellation);
        return new DescriptorBaseline(service);
    }

    /// <summary>Waits until no more are open than before.</summary>
    public async Task RequireNoneLeftAsync(Findings findings, CancellationToken cancellation)
    {
        int before = _before.Values.Sum();
        IReadOnlyDictionary<string, int> now = _service.DescriptorKinds();
        for (TimeSpan waited = TimeSpan.Zero; now.Values.Sum() > before && waited < s_patience; waited += s_step)
        {
            await Task.Delay(s_step, cancellation);
            now = _service.DescriptorKinds();
        }

        int after = now.Values.Sum();
        IEnumerable<string> changes = _before.Keys.Union(now.Keys).Where(kind => Of(_before, kind) != Of(now, kind)).Select(kind => $"{kind} {Of(_before, kind)} -> {Of(now, kind)}");
        findings.Require("open descriptors before, after", $"{before}, {after}{(after > before ? $" ({string.Join(", ", changes)})" : "")}", $"not more", after <= before);
    }

    private static int Of(IReadOnlyDictionary<string, int> kinds, string kind) => kinds.GetValueOrDefault(kind);
}
