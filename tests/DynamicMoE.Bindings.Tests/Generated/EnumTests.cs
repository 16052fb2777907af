namespace DynamicMoE.Bindings.Tests.Generated;

/// <summary>Values that the ABI promised never to renumber, and the ones that managed code converts to.</summary>
public class EnumTests
{
    [Theory]
    [InlineData(typeof(DmoeAbi), "Major=1 Minor=3")]
    [InlineData(typeof(DmoeStatus), "Ok=0 Argument=10 Shape=11 NotFinite=12 Options=13 State=14 Balance=15 Overflow=16 NoMemory=20 DeviceMemory=21 Backend=30 Internal=99")]
    [InlineData(typeof(DmoeDtype), "F32=0 Bf16=1 F16=2")]
    [InlineData(typeof(DmoeFormat), "F32=0 Bf16=1 Q8=2 Q4=3")]
    [InlineData(typeof(DmoeIsa), "Auto=0 Scalar=1 Avx2=2 Avx512=3 Avx512vnni=4 Avx512bf16=5 Neon=6")]
    [InlineData(typeof(DmoeGate), "Softmax=0 Sigmoid=1")]
    [InlineData(typeof(DmoeGroupScore), "Max=0 Top2Sum=1")]
    [InlineData(typeof(DmoeStrategy), "TopK=0 Threshold=1 TopP=2")]
    [InlineData(typeof(DmoeWeighting), "Renormalize=0 TrainedScale=1 Raw=2")]
    [InlineData(typeof(DmoeScore), "Half=0 Supplied=1 RouterMargin=2 RouterEntropy=3")]
    [InlineData(typeof(DmoeExpertKind), "Swiglu=0 Gelu=1 GeluTanh=2 Relu=3 Silu=4 Linear=5")]
    [InlineData(typeof(DmoeOverflow), "Drop=0 Reroute=1")]
    [InlineData(typeof(DmoeHeadAggregation), "Mean=0 Max=1 Min=2")]
    [InlineData(typeof(DmoeDeviceScoreKind), "L2Norm=0 SoftmaxEntropy=1 SoftmaxMargin=2 AttentionEntropy=3")]
    public void Enum_WhenRegenerated_KeepsItsValues(Type type, string expected)
    {
        ArgumentNullException.ThrowIfNull(type);
        IEnumerable<string> values = Enum.GetNames(type).Select(name => $"{name}={(int)Enum.Parse(type, name)}");
        Assert.Equal(expected.Split(' ').Order(), values.Order());
    }

    [Fact]
    public unsafe void StatusName_WhenAskedForEachStatus_IsTheNameInTheHeader()
    {
        foreach (DmoeStatus status in Enum.GetValues<DmoeStatus>())
        {
            string native = System.Runtime.InteropServices.Marshal.PtrToStringUTF8((nint)NativeMethods.dmoe_status_name(status))!;
            string plain = native.Replace("DMOE_E_", "", StringComparison.Ordinal).Replace("DMOE_", "", StringComparison.Ordinal);
            Assert.Equal(status.ToString(), plain.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);
        }
    }
}
