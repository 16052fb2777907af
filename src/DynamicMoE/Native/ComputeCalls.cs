using DynamicMoE.Bindings;
using DynamicMoE.Compute;

namespace DynamicMoE.Native;

/// <summary>Native calls for the dense parts of a decoder.</summary>
internal static unsafe class ComputeCalls
{
    internal static LinearHandle Create(
        ReadOnlySpan<byte> weights, WeightType type, int outputs, int inputs, ReadOnlySpan<float> bias, WeightFormat format, InstructionSet isa)
    {
        NativeStatus.RequireLibrary();
        DmoeLinearOptions options = DmoeLinearOptions.Create();
        options.Inputs = inputs;
        options.Outputs = outputs;
        options.Dtype = (int)type;
        options.Format = (int)format;
        options.Isa = (int)isa;
        fixed (byte* w = weights)
        fixed (float* b = bias)
        {
            options.Weights = w;
            options.Bias = b;
            NativeStatus.ThrowIfFailed(NativeMethods.dmoe_linear_create(&options, out LinearHandle handle));
            return handle;
        }
    }

    internal static void Multiply(
        LinearHandle linear, ReadOnlySpan<float> x, int rows, int inputs, Span<float> y, int outputs, int threads)
    {
        fixed (float* px = x)
        fixed (float* py = y)
        {
            DmoeMatrixF32 input = Views.Input(px, rows, inputs);
            DmoeOutputF32 output = Views.Output(py, rows, outputs);
            NativeStatus.ThrowIfFailed(NativeMethods.dmoe_linear_run(linear, &input, threads, &output));
        }
    }

    internal static void Rms(ReadOnlySpan<float> x, int rows, int columns, ReadOnlySpan<float> weight, float epsilon, Span<float> y)
    {
        NativeStatus.RequireLibrary();
        fixed (float* px = x)
        fixed (float* pw = weight)
        fixed (float* py = y)
        {
            DmoeMatrixF32 input = Views.Input(px, rows, columns);
            DmoeOutputF32 output = Views.Output(py, rows, columns);
            NativeStatus.ThrowIfFailed(NativeMethods.dmoe_rms_norm(&input, pw, epsilon, &output));
        }
    }

    internal static void Layer(
        ReadOnlySpan<float> x, int rows, int columns, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, float epsilon, Span<float> y)
    {
        NativeStatus.RequireLibrary();
        fixed (float* px = x)
        fixed (float* pw = weight)
        fixed (float* pb = bias)
        fixed (float* py = y)
        {
            DmoeMatrixF32 input = Views.Input(px, rows, columns);
            DmoeOutputF32 output = Views.Output(py, rows, columns);
            NativeStatus.ThrowIfFailed(NativeMethods.dmoe_layer_norm(&input, pw, pb, epsilon, &output));
        }
    }

    internal static void Attention(
        in AttentionOptions o, int queries, ReadOnlySpan<float> query, ReadOnlySpan<float> keys, ReadOnlySpan<float> values,
        Span<float> output, Span<float> entropy)
    {
        NativeStatus.RequireLibrary();
        fixed (float* q = query)
        fixed (float* k = keys)
        fixed (float* v = values)
        fixed (float* y = output)
        fixed (float* e = entropy)
        {
            DmoeAttentionParams native = DmoeAttentionParams.Create();
            native.QueryHeads = o.QueryHeads;
            native.KvHeads = o.KvHeads;
            native.HeadDim = o.HeadDim;
            native.Threads = o.Threads;
            native.Window = o.Window;
            native.Scale = o.Scale;
            native.Queries = queries;
            native.FirstPosition = o.FirstPosition;
            native.CacheStride = o.CacheStride == 0 ? (long)o.KvHeads * o.HeadDim : o.CacheStride;
            native.Query = q;
            native.Keys = k;
            native.Values = v;
            native.Output = y;
            native.Entropy = e;
            native.Isa = (int)o.Isa;
            NativeStatus.ThrowIfFailed(NativeMethods.dmoe_attention(&native));
        }
    }
}
