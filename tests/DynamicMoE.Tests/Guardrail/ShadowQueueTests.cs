namespace DynamicMoE.Tests.Guardrail;

public sealed class ShadowQueueTests
{
    [Fact]
    public void TryAdd_WhenTheQueueIsFull_DropsAndKeepsWhatIsThere()
    {
        var queue = new ShadowQueue(2, 1);
        Assert.False(queue.HasReady);
        Assert.True(queue.TryAdd([1], [10], 5));
        Assert.True(queue.TryAdd([2], [20], 6));
        Assert.False(queue.TryAdd([3], [30], 7));

        var hidden = new float[2];
        var output = new float[2];
        var generations = new long[2];
        Assert.Equal(2, queue.TakeAll(hidden, output, generations));

        Assert.Equal([(1f, 10f, 5L), (2f, 20f, 6L)], Enumerable.Range(0, 2).Select(i => (hidden[i], output[i], generations[i])).Order());
        Assert.False(queue.HasReady);
        Assert.True(queue.TryAdd([4], [40], 8));
    }

    [Fact]
    public async Task TakeAll_WhileManyThreadsAdd_SeesWholeRowsAndLosesNone()
    {
        const int width = 33;
        const int producers = 3;
        const int rows = 4000;
        var queue = new ShadowQueue(8, width);
        Task[] tasks = [.. Enumerable.Range(0, producers).Select(producer => Task.Run(() =>
        {
            var hidden = new float[width];
            var output = new float[width];
            for (int row = 0; row < rows; row++)
            {
                Array.Fill(hidden, producer * rows + row);
                Array.Fill(output, -(producer * rows + row));
                var wait = default(SpinWait);
                while (!queue.TryAdd(hidden, output, row))
                {
                    wait.SpinOnce();
                }
            }
        }))];
        var seen = new HashSet<float>();
        var taken = new float[8 * width];
        var results = new float[8 * width];
        var generations = new long[8];
        while (seen.Count < producers * rows)
        {
            int count = queue.TakeAll(taken, results, generations);
            for (int i = 0; i < count; i++)
            {
                float value = taken[i * width];
                Assert.True(seen.Add(value));
                Assert.Equal((long)value % rows, generations[i]);
                Assert.False(taken.AsSpan(i * width, width).ContainsAnyExcept(value));
                Assert.False(results.AsSpan(i * width, width).ContainsAnyExcept(-value));
            }
        }

        await Task.WhenAll(tasks).WaitAsync(TimeSpan.FromSeconds(10));
        Assert.False(queue.HasReady);
    }
}
