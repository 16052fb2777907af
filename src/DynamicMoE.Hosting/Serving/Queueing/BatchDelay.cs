namespace DynamicMoE.Hosting.Queueing;

/// <summary>How long a batch waits for company. Waiting that brought none is halved the next time, company that comes makes it grow back to the limit.</summary>
internal sealed class BatchDelay
{
    // Below this a wait is not worth the two looks at the clock.
    private static readonly TimeSpan s_least = TimeSpan.FromMicroseconds(10);

    private readonly TimeSpan _limit;

    public BatchDelay(TimeSpan limit) => Current = _limit = limit;

    /// <summary>The wait at this moment.</summary>
    public TimeSpan Current { get; private set; }

    /// <summary>Tells what a wait brought.</summary>
    public void Waited(bool gained)
    {
        if (gained)
        {
            Met();
        }
        else
        {
            Current = Current / 2 < s_least ? TimeSpan.Zero : Current / 2;
        }
    }

    /// <summary>Several requests were there at once: company is to be had.</summary>
    public void Met()
    {
        TimeSpan grown = Current < s_least ? s_least : Current * 1.5;
        Current = grown < _limit ? grown : _limit;
    }
}
