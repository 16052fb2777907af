namespace DynamicMoE.Bindings.Tests.Loading;

public class NativeLibraryLocatorTests
{
    [Fact]
    public void AbiVersion_WhenLibraryIsLoaded_FitsTheBindings() => Assert.True(LibraryLoader.Fits(NativeMethods.dmoe_abi_version()));

    [Fact]
    public void LoadedPath_WhenLibraryIsLoaded_IsAFileThatExists()
    {
        NativeLibraryLocator.EnsureLoaded();
        Assert.True(File.Exists(NativeLibraryLocator.LoadedPath));
    }

    [Fact]
    public void ExplicitPath_WhenSetAfterLoading_IsRefused()
    {
        NativeLibraryLocator.EnsureLoaded();
        var failure = Assert.Throws<InvalidOperationException>(() => NativeLibraryLocator.ExplicitPath = "/elsewhere");
        Assert.Contains(NativeLibraryLocator.LoadedPath!, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public unsafe void Create_WhenOptionsAreRefused_GivesAnInvalidHandleAndAText()
    {
        DmoeExpertsOptions options = DmoeExpertsOptions.Create();
        DmoeStatus status = NativeMethods.dmoe_experts_create(&options, out ExpertsHandle experts);
        using (experts)
        {
            Assert.Equal(DmoeStatus.Options, status);
            Assert.True(experts.IsInvalid);
            Assert.NotEqual(0, *NativeMethods.dmoe_last_error());
        }
    }
}
