using DynamicMoE.Cli.Benchmarking.Cuda;
using Xunit;

namespace DynamicMoE.Cli.Tests.Benchmarking.Cuda;

public sealed class CudaRouteTests
{
    // The same numbers as in tests/native/cuda/kernels/route_test.cpp.
    [Theory]
    [InlineData(1, 8, 1, 45440, 26624)]
    [InlineData(1, 64, 2, 45952, 26624)]
    [InlineData(1, 128, 4, 46976, 26624)]
    [InlineData(8, 128, 8, 46976, 26624)]
    [InlineData(64, 512, 128, 44096, 22528)]
    [InlineData(512, 128, 128, 40064, 24576)]
    [InlineData(513, 512, 65, 41728, 16384)]
    [InlineData(2048, 128, 128, 35840, 16384)]
    [InlineData(4096, 512, 512, 41728, 16384)]
    public void Of_AnyBatch_IsTheLaunchOfTheKernel(int tokens, int experts, int blocks, int shared, int underWay) =>
        Assert.Equal(new CudaRoute(blocks, shared, underWay), CudaRoute.Of(tokens, experts));
}
