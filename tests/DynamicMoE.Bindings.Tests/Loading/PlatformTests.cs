namespace DynamicMoE.Bindings.Tests.Loading;

public class PlatformTests
{
    [Fact]
    public void ThrowIfUnsupported_WhenPlatformHasNoLibrary_NamesTheSupportedOnes()
    {
        var failure = Assert.Throws<PlatformNotSupportedException>(() => Platform.ThrowIfUnsupported("win-arm64"));
        Assert.Contains("win-arm64", failure.Message, StringComparison.Ordinal);
        Assert.Contains("linux-x64", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ThrowIfUnsupported_WhenPlatformIsSupported_DoesNothing() => Platform.ThrowIfUnsupported("linux-x64");
}
