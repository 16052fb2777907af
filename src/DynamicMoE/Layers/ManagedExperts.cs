namespace DynamicMoE;

/// <summary>Managed experts of a layer. Whoever uses them last, a call or the layer, disposes them.</summary>
internal sealed class ManagedExperts : IDisposable
{
    private readonly IExpert[] _experts;

    // Calls inside, and one for the layer until that is disposed.
    private int _users = 1;
    private int _disposed;

    private ManagedExperts(IExpert[] experts) => _experts = experts;

    internal int Count => _experts.Length;

    internal IExpert this[int index] => _experts[index];

    /// <summary>Makes every expert; those made before one fails are disposed.</summary>
    internal static ManagedExperts Make(Func<int, IExpert> expertFactory, int count)
    {
        var experts = new IExpert[count];
        try
        {
            for (int expert = 0; expert < count; expert++)
            {
                experts[expert] = expertFactory(expert)
                    ?? throw new ArgumentNullException(nameof(expertFactory), $"The factory returned null for expert {expert}.");
            }
        }
        catch
        {
            DisposeAll(experts);
            throw;
        }

        return new ManagedExperts(experts);
    }

    /// <summary>Keeps the experts until <see cref="Leave"/>.</summary>
    /// <exception cref="ObjectDisposedException">The layer is disposed.</exception>
    internal void Enter()
    {
        int users;
        do
        {
            users = Volatile.Read(ref _users);
            ObjectDisposedException.ThrowIf(users == 0 || Volatile.Read(ref _disposed) != 0, typeof(MoELayer));
        }
        while (Interlocked.CompareExchange(ref _users, users + 1, users) != users);
    }

    internal void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            DisposeAll(_experts);
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            Leave();
        }
    }

    private static void DisposeAll(IExpert[] experts)
    {
        foreach (IExpert expert in experts)
        {
            (expert as IDisposable)?.Dispose();
        }
    }
}
