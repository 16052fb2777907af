using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Adaptation;

public sealed class WaitForConvergenceTests
{
    private readonly SeededRandom _random = new(71);
    private readonly ThresholdController _controller = new(new ThresholdControllerOptions { Budget = 1.5, MaxExperts = 2 });

    [Fact]
    public async Task Wait_WhenTheBudgetIsHeld_Completes()
    {
        Task wait = _controller.WaitForConvergenceAsync(Timeout.InfiniteTimeSpan);
        Run(99, () => (float)_random.NextDouble());
        Assert.False(wait.IsCompleted);
        Run(300, () => (float)_random.NextDouble());

        await wait;
        Assert.Equal(ConvergenceState.Converged, _controller.State);
        await _controller.WaitForConvergenceAsync(TimeSpan.Zero);
    }

    [Fact]
    public async Task Wait_WhenTheBudgetIsMissed_NamesBudgetAndReachableMean()
    {
        Task wait = _controller.WaitForConvergenceAsync(Timeout.InfiniteTimeSpan);
        Run(199, () => 0);
        Assert.False(wait.IsCompleted);
        Run(1, () => 0);

        var error = await Assert.ThrowsAsync<ConvergenceException>(() => wait);
        Assert.Contains("budget is 1.5", error.Message, StringComparison.Ordinal);
        Assert.Contains("nearest reachable mean 2.000", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wait_WhenTheTimeIsOver_SaysSo()
    {
        var clock = new ManualClock();
        Task wait = _controller.WaitForConvergenceAsync(TimeSpan.FromSeconds(3), clock);
        clock.Advance(TimeSpan.FromSeconds(2.9));
        Assert.False(wait.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(0.2));

        Assert.Equal(
            "The budget is 1.5 experts per token, and nothing was routed under it yet. The wait of 00:00:03 is over.",
            (await Assert.ThrowsAsync<ConvergenceException>(() => wait)).Message);
    }

    [Fact]
    public async Task Wait_WhenTheTimeoutIsNegative_IsRefused()
    {
        var arbiter = new BudgetArbiter(new BudgetArbiterOptions { Budget = 1.5, MaxExperts = 2, Layers = 1 });

        Assert.Equal("timeout", (await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => _controller.WaitForConvergenceAsync(TimeSpan.FromTicks(-1)))).ParamName);
        Assert.Equal("timeout", (await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => arbiter.WaitForConvergenceAsync(TimeSpan.FromSeconds(-2)))).ParamName);
    }

    [Fact]
    public async Task Wait_WhenCancelled_IsCancelled()
    {
        using var source = new CancellationTokenSource();
        Task wait = _controller.WaitForConvergenceAsync(Timeout.InfiniteTimeSpan, null, source.Token);
        await source.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
    }

    private void Run(int batches, Func<float> gap)
    {
        for (int batch = 0; batch < batches; batch++)
        {
            float[] gaps = [.. Enumerable.Range(0, 128).Select(i => i % 2 == 0 ? 0 : gap())];
            ThresholdRule.Step(_controller, gaps, 2);
        }
    }
}
