using Microsoft.Extensions.Logging;

namespace DynamicMoE.Hosting;

/// <summary><c>runtime</c>: logging and the native library.</summary>
public sealed class RuntimeSettings
{
    private readonly SettingValues _values;

    internal RuntimeSettings(SettingValues values) => _values = values;

    /// <summary><c>log_level</c>: least severe messages of the categories <c>DynamicMoE</c> that are logged.</summary>
    /// <value><c>trace</c>, <c>debug</c>, <c>info</c>, <c>warning</c>, <c>error</c>, <c>critical</c> or <c>none</c>. The default, null, leaves it to the host, whose
    /// own default is info. A running process takes a change of the file.</value>
    public LogLevel? LogLevel => _values.Get(SettingKeys.LogLevel);

    /// <summary><c>isa</c>: instruction-set level of a router's own gate.</summary>
    /// <value>A level that runs here. The default is <c>auto</c>.</value>
    public InstructionSet Isa => _values.Get(SettingKeys.Isa);

    /// <summary><c>native_path</c>: file or folder of the native library.</summary>
    /// <value>A path of 1 to 4096 characters. The default, null, looks beside the application.</value>
    public string? NativePath => _values.Get(SettingKeys.NativePath);

    /// <summary><c>device</c>: where the layers of a served model compute.</summary>
    /// <value><c>cpu</c>, <c>cuda</c> (the best usable device), <c>cuda:N</c>, or <c>auto</c>: a CUDA device where there is one, else the processor. The default
    /// is <c>cpu</c>.</value>
    public ComputeDevice Device => _values.Get(SettingKeys.Device);

    /// <summary><c>cpu_fallback</c>: whether the processor takes the place of a device that is not usable, too small or fails.</summary>
    /// <value>The default is false: loading fails. With the device <c>auto</c> it always does.</value>
    public bool CpuFallback => _values.Get(SettingKeys.CpuFallback);

    /// <summary><c>cuda_driver</c>: file of the CUDA driver's library.</summary>
    /// <value>A path of 1 to 4096 characters. The default, null, is the system's <c>libcuda.so.1</c>.</value>
    public string? CudaDriver => _values.Get(SettingKeys.CudaDriver);
}
