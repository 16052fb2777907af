namespace DynamicMoE.Tests.Devices;

public sealed class ComputeDeviceTests
{
    [Theory]
    [InlineData("cpu", ComputeDeviceKind.Cpu, 0, "cpu")]
    [InlineData("CPU", ComputeDeviceKind.Cpu, 0, "cpu")]
    [InlineData("auto", ComputeDeviceKind.Auto, -1, "auto")]
    [InlineData("cuda", ComputeDeviceKind.Cuda, -1, "cuda")]
    [InlineData("cuda:0", ComputeDeviceKind.Cuda, 0, "cuda:0")]
    [InlineData("Cuda:12", ComputeDeviceKind.Cuda, 12, "cuda:12")]
    public void Parse_WhenTextIsADevice_NamesIt(string text, ComputeDeviceKind kind, int index, string shown)
    {
        ComputeDevice device = ComputeDevice.Parse(text);

        Assert.Equal((kind, index, shown), (device.Kind, device.Index, device.ToString()));
        Assert.Equal(device, ComputeDevice.Parse(device.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("gpu")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda: 1")]
    [InlineData("cuda:+1")]
    [InlineData("cuda0")]
    [InlineData("cuda:99999999999")]
    [InlineData("cpu:0")]
    public void Parse_WhenTextIsNone_NamesText(string text)
    {
        Assert.False(ComputeDevice.TryParse(text, out ComputeDevice device));
        Assert.Equal(ComputeDevice.Cpu, device);
        Assert.Contains($"'{text}'", Assert.Throws<FormatException>(() => ComputeDevice.Parse(text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TryParse_WhenTextIsNull_IsFalse() => Assert.False(ComputeDevice.TryParse(null, out _));

    [Fact]
    public void Default_IsTheProcessor()
    {
        Assert.Equal(ComputeDevice.Cpu, default);
        Assert.Equal(ComputeDevice.Cpu, new MoELayerOptions().Device);
    }

    [Fact]
    public void Cuda_WhenIndexIsNegative_Throws() => Assert.Throws<ArgumentOutOfRangeException>(() => ComputeDevice.Cuda(-1));
}
