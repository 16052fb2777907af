namespace DynamicMoE.Tests.Routing;

public sealed class LoadBalancerTests
{
    [Fact]
    public void Update_WhenLoadIsUneven_MovesEachBiasByOneStepTowardsTheMean()
    {
        var balancer = new LoadBalancer(4, 0.01f, 0.05f);
        balancer.Update([10, 0, 5, 5]);
        var bias = new float[4];
        balancer.Read(default, bias);

        Assert.Equal([-0.01f, 0.01f, 0f, 0f], bias);
    }

    [Fact]
    public void Update_WhenBatchesAreSmall_WaitsForFourRoutesPerExpert()
    {
        var balancer = new LoadBalancer(2, 0.01f, 0.05f);
        var bias = new float[2];
        for (int route = 0; route < 7; route++)
        {
            balancer.Update([1, 0]);
        }

        balancer.Read(default, bias);
        Assert.Equal([0f, 0f], bias);

        balancer.Update([0, 1]);
        balancer.Read(default, bias);
        Assert.Equal([-0.01f, 0.01f], bias);
    }

    [Fact]
    public void Update_WhenLoadStaysUneven_StopsAtTheBound()
    {
        var balancer = new LoadBalancer(2, 0.01f, 0.05f);
        for (int batch = 0; batch < 100; batch++)
        {
            balancer.Update([1, 0]);
        }

        var bias = new float[2];
        balancer.Read([1f, 2f], bias);

        Assert.Equal([0.95f, 2.05f], bias);
    }

    [Fact]
    public async Task Read_WhileUpdatesRun_SeesWholeStates()
    {
        // Two experts get opposite steps: every state that a reader may see sums to zero.
        var balancer = new LoadBalancer(2, 0.25f, 1);
        using var stop = new CancellationTokenSource();
        Task writer = Task.Run(() =>
        {
            for (int i = 0; !stop.IsCancellationRequested; i++)
            {
                balancer.Update(i % 6 < 3 ? [1, 0] : [0, 1]);
            }
        });
        var bias = new float[2];
        for (int i = 0; i < 200_000; i++)
        {
            balancer.Read(default, bias);
            Assert.Equal(0, bias[0] + bias[1]);
        }

        await stop.CancelAsync();
        await writer.WaitAsync(TimeSpan.FromSeconds(10));
    }
}
