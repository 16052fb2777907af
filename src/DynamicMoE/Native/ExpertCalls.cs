using System.Runtime.InteropServices;
using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>Native calls on packed experts.</summary>
internal static unsafe class ExpertCalls
{
    internal static ExpertsHandle Create(ExpertBankOptions o)
    {
        NativeStatus.RequireLibrary();
        DmoeExpertsOptions options = Options(o);
        NativeStatus.ThrowIfFailed(NativeMethods.dmoe_experts_create(&options, out ExpertsHandle handle));
        return handle;
    }

    /// <summary>Experts that read packed weights in a mapping; the handle keeps the mapping.</summary>
    internal static ExpertsHandle CreateMapped(ExpertBankOptions o, SafeBuffer view, long offset, long bytes)
    {
        NativeStatus.RequireLibrary();
        DmoeExpertsOptions options = Options(o);
        byte* start = null;
        view.AcquirePointer(ref start);
        try
        {
            NativeStatus.ThrowIfFailed(NativeMethods.dmoe_experts_create_mapped(&options, start + offset, bytes, out ExpertsHandle handle));
            handle.Keep(view);
            return handle;
        }
        finally
        {
            view.ReleasePointer();
        }
    }

    /// <summary>Writes all experts' packed weights.</summary>
    internal static void WritePacked(ExpertsHandle experts, Stream destination)
    {
        bool held = false;
        try
        {
            experts.DangerousAddRef(ref held);
            void* data;
            long bytes;
            NativeStatus.ThrowIfFailed(NativeMethods.dmoe_experts_packed(experts, &data, &bytes));
            MappedMemory.Write((byte*)data, bytes, destination);
        }
        finally
        {
            if (held)
            {
                experts.DangerousRelease();
            }
        }
    }

    internal static int PackedLayoutVersion()
    {
        NativeStatus.RequireLibrary();
        return NativeMethods.dmoe_packed_layout_version();
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

    private static DmoeExpertsOptions Options(ExpertBankOptions o)
    {
        DmoeExpertsOptions options = DmoeExpertsOptions.Create();
        options.Experts = o.NumExperts;
        options.Hidden = o.Hidden;
        options.Width = o.Width;
        options.Kind = (int)o.Kind;
        options.Format = (int)o.Format;
        options.UseBias = o.UseBias ? 1 : 0;
        options.Isa = (int)o.Isa;
        return options;
    }
}
