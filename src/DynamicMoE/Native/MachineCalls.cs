using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>Native calls that measure the machine.</summary>
internal static unsafe class MachineCalls
{
    internal static MachineLimits Measure(int threads, int milliseconds, long bytes)
    {
        NativeStatus.RequireLibrary();
        DmoeMachineLimits limits = DmoeMachineLimits.Create();
        NativeStatus.ThrowIfFailed(
            NativeMethods.dmoe_machine_limits_measure(threads, (int)InstructionSet.Auto, milliseconds, bytes, &limits));
        return new MachineLimits
        {
            Threads = limits.Threads,
            Float32Flops = limits.F32Flops,
            BFloat16Flops = limits.Bf16Flops,
            Int8Ops = limits.Int8Ops,
            ReadBytesPerSecond = limits.ReadBytes,
            ReadStreams = limits.ReadStreams,
            ReadHugePages = limits.ReadHugePages != 0,
            ReadTable =
            [
                new ReadRate(1, false, limits.Read1Small),
                new ReadRate(4, false, limits.Read4Small),
                new ReadRate(8, false, limits.Read8Small),
                new ReadRate(1, true, limits.Read1Huge),
                new ReadRate(4, true, limits.Read4Huge),
                new ReadRate(8, true, limits.Read8Huge),
            ],
        };
    }
}
