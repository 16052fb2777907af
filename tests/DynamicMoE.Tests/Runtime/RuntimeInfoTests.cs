namespace DynamicMoE.Tests.Runtime;

public sealed class RuntimeInfoTests
{
    [Fact]
    public void Query_WhenTheLibraryIsLoaded_TellsWhatRuns()
    {
        RuntimeInfo info = RuntimeInfo.Query();

        Assert.EndsWith("libdynamicmoe.so", info.LibraryPath, StringComparison.Ordinal);
        Assert.Equal(1, info.AbiVersion.Major);
        Assert.NotEmpty(info.LibraryVersion);
        Assert.Contains(info.Isa, info.SupportedIsas);
        Assert.Contains(InstructionSet.Scalar, info.SupportedIsas);
        Assert.NotEmpty(info.IsaReason);
        Assert.NotEmpty(info.CudaReason);
        Assert.InRange(info.PoolThreads, 1, 1024);
        Assert.InRange(info.LogicalCpus, info.PhysicalCores, int.MaxValue);
        Assert.True(info.CpuQuota is null or > 0);
    }

    [Fact]
    public void Path_WhenSetAfterLoading_IsRefused()
    {
        RuntimeInfo.Query();

        Assert.Throws<InvalidOperationException>(() => NativeLibraryOptions.Path = "elsewhere");
        Assert.Null(NativeLibraryOptions.Path);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1025)]
    public void SetThreads_WhenOutOfRange_IsRefused(int threads) =>
        Assert.Throws<RouterConfigurationException>(() => NativeLibraryOptions.SetThreads(threads));

    [Fact]
    public void Create_WhenTheInstructionSetDoesNotRunHere_ThrowsBackend()
    {
        InstructionSet missing = Enum.GetValues<InstructionSet>().Except(RuntimeInfo.Query().SupportedIsas).Last();
        Assert.NotEqual(InstructionSet.Auto, missing);

        Assert.Throws<BackendException>(
            () => GateWeights.Create(new float[4], default, new GateOptions { InputDim = 2, NumExperts = 2, Isa = missing }));
    }

    [Fact]
    public void Dispose_WhenObjectsAreGone_GivesNativeMemoryBack()
    {
        static void CreateAndDispose()
        {
            using var router = new DynamicRouter(new DynamicRouterOptions { InputDim = 512, NumExperts = 64, MaxExperts = 2 });
            using var layer = new MoELayer(router, new ExpertBankOptions { NumExperts = 64, Hidden = 512, Width = 128 });
            layer.Forward(new float[512], 1, new float[512]);
        }

        CreateAndDispose();
        long before = RuntimeInfo.Query().AllocatedBytes;
        for (int i = 0; i < 5; i++)
        {
            CreateAndDispose();
        }

        // Tests beside this one hold a few hundred kilobytes; five lost layers would be 250 MB.
        Assert.InRange(RuntimeInfo.Query().AllocatedBytes - before, long.MinValue, 40_000_000);
    }
}
