using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>Native calls on packed experts.</summary>
internal static unsafe class ExpertCalls
{
    internal static ExpertsHandle Create(ExpertBankOptions o)
    {
        NativeStatus.RequireLibrary();
        DmoeExpertsOptions options = DmoeExpertsOptions.Create();
        options.Experts = o.NumExperts;
        options.Hidden = o.Hidden;
        options.Width = o.Width;
        options.Kind = (int)o.Kind;
        options.Format = (int)o.Format;
        options.UseBias = o.UseBias ? 1 : 0;
        options.Isa = (int)o.Isa;
        NativeStatus.ThrowIfFailed(NativeMethods.dmoe_experts_create(&options, out ExpertsHandle handle));
        return handle;
    }

    internal static void Set(ExpertsHandle experts, int index, in ExpertWeights weights)
    {
        fixed (byte* gate = weights.Gate)
        fixed (byte* up = weights.Up)
        fixed (byte* down = weights.Down)
        fixed (float* gateBias = weights.GateBias)
        fixed (float* upBias = weights.UpBias)
        fixed (float* downBias = weights.DownBias)
        {
            DmoeExpertWeights native = DmoeExpertWeights.Create();
            native.Dtype = (int)weights.Type;
            native.Gate = gate;
            native.Up = up;
            native.Down = down;
            native.GateBias = gateBias;
            native.UpBias = upBias;
            native.DownBias = downBias;
            NativeStatus.ThrowIfFailed(NativeMethods.dmoe_experts_set(experts, index, &native));
        }
    }

    internal static long BytesPerExpert(ExpertsHandle experts)
    {
        long bytes;
        NativeStatus.ThrowIfFailed(NativeMethods.dmoe_experts_bytes(experts, &bytes));
        return bytes;
    }
}
