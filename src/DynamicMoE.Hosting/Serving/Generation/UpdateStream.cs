using System.Threading.Channels;

namespace DynamicMoE.Hosting.Generation;

/// <summary>The updates of one sequence, for one reader. Disposing the enumerator before the end takes the sequence out of the batch.</summary>
internal sealed class UpdateStream(ChannelReader<GenerationUpdate> updates, CancellationTokenSource source) : IAsyncEnumerable<GenerationUpdate>
{
    private int _taken;

    public IAsyncEnumerator<GenerationUpdate> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _taken, 1) != 0)
        {
            throw new InvalidOperationException("The updates of a sequence can be read once.");
        }

        return new Reader(updates, source, cancellationToken);
    }

    private sealed class Reader : IAsyncEnumerator<GenerationUpdate>
    {
        private readonly ChannelReader<GenerationUpdate> _updates;
        private readonly CancellationTokenSource _source;
        private readonly CancellationTokenRegistration _registration;

        public Reader(ChannelReader<GenerationUpdate> updates, CancellationTokenSource source, CancellationToken token)
        {
            (_updates, _source) = (updates, source);
            _registration = token.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), source);
        }

        public GenerationUpdate Current { get; private set; }

        public async ValueTask<bool> MoveNextAsync()
        {
            if (!await _updates.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
            {
                return false;
            }

            // One reader: what was there a moment ago is there still.
            bool read = _updates.TryRead(out GenerationUpdate update);
            Current = update;
            return read;
        }

        public async ValueTask DisposeAsync()
        {
            await _registration.DisposeAsync().ConfigureAwait(false);
            await _source.CancelAsync().ConfigureAwait(false);
            _source.Dispose();
        }
    }
}
