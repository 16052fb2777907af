using DynamicMoE.ServiceLoad.Http;

namespace DynamicMoE.ServiceLoad.Load;

/// <summary>So many clients, each with a connection of its own, that ask again as soon as they have their answer.</summary>
internal sealed class ClosedLoop(Uri address, CallPool pool, int seed, int clients)
{
    /// <summary>Whether a client whose connection ended makes another; false: it leaves when none can be made or the service says 503.</summary>
    public bool Persists { get; init; } = true;

    /// <summary>Runs until the token; what is under way is finished.</summary>
    /// <param name="tally">Takes the samples.</param>
    /// <param name="end">Ends the asking.</param>
    /// <param name="cancellation">Ends everything.</param>
    public Task RunAsync(Tally tally, CancellationToken end, CancellationToken cancellation) =>
        Task.WhenAll(Enumerable.Range(0, clients).Select(client => Task.Run(() => ClientAsync(client, tally, end, cancellation), cancellation)));

    private async Task ClientAsync(int client, Tally tally, CancellationToken end, CancellationToken cancellation)
    {
        var random = new Random((seed * 10_007) + client);
        Connection? connection = null;
        try
        {
            while (!end.IsCancellationRequested)
            {
                if (connection is not { IsOpen: true })
                {
                    connection?.Dispose();
                    connection = await Asker.ConnectAsync(address, tally, cancellation);
                    if (connection is null)
                    {
                        if (!Persists)
                        {
                            return;
                        }

                        await Task.Delay(10, cancellation);
                        continue;
                    }
                }

                if (await Asker.AskAsync(connection, pool.Pick(random), tally, cancellation) == Outcome.Unavailable && !Persists)
                {
                    return;
                }
            }
        }
        finally
        {
            connection?.Dispose();
        }
    }
}
