using Microsoft.Extensions.Logging;

namespace DynamicMoE.Models;

/// <summary>How a model is loaded. Checked when loading begins; later changes have no effect.</summary>
public sealed class ModelLoadOptions
{
    /// <summary>How weights are kept, whatever the checkpoint stores.</summary>
    /// <value>The default, null, is the format of a packed file, and <see cref="WeightFormat.Float32"/> for a folder, which keeps every stored value
    /// exactly. <see cref="WeightFormat.BFloat16"/> halves the memory and rounds activations to bfloat16 before every product.
    /// <see cref="WeightFormat.Q8"/> and <see cref="WeightFormat.Q4"/> keep routed and shared experts in 8 and 4 bits, every other product in bfloat16.
    /// A packed file is loaded in its own format only.</value>
    public WeightFormat? WeightFormat { get; set; }

    /// <summary>Whether every part of a packed file is compared with its checksum before anything is used, which reads the whole file.</summary>
    /// <value>The default is false: header, configuration, tokenizer and every tensor that is not an expert are compared, the experts are not read.</value>
    public bool VerifyChecksums { get; set; }

    /// <summary>Positions that are computed at once; longer inputs run in chunks with the same result.</summary>
    /// <value>Between 1 and 65536. The default is 512.</value>
    public int MaxTokens { get; set; } = 512;

    /// <summary>Most threads that a call uses. The result does not depend on it.</summary>
    /// <value>Between 0 and 1024. The default is 0: as many as the native pool has.</value>
    public int Threads { get; set; }

    /// <summary>Instruction-set level of the kernels.</summary>
    /// <value>The default is <see cref="InstructionSet.Auto"/>.</value>
    public InstructionSet Isa { get; set; }

    /// <summary>Where the MoE layers compute; everything else runs on the processor. A device gets a copy of their gates and experts.</summary>
    /// <value>The default is <see cref="ComputeDevice.Cpu"/>; see <see cref="MoELayerOptions.Device"/>.</value>
    public ComputeDevice Device { get; set; }

    /// <summary>Whether the processor takes the place of a device that is not usable, too small, or fails in a call.</summary>
    /// <value>The default is false. With <see cref="ComputeDevice.Auto"/> it always does.</value>
    public bool FallBackToCpu { get; set; }

    /// <summary>Whether a tokenizer file and a chat template beside the weights are read.</summary>
    /// <value>The default is true. With false <see cref="MoEModel.Tokenizer"/> and <see cref="MoEModel.ChatTemplate"/> are null.</value>
    public bool LoadTokenizer { get; set; } = true;

    /// <summary>Whether dynamicmoe.calibration.json beside the weights, or in a packed file, is read.</summary>
    /// <value>The default is true. With false <see cref="MoEModel.Calibration"/> is null.</value>
    public bool LoadCalibration { get; set; } = true;

    /// <summary>What happens to an expert whose output is not finite, see <see cref="ExpertFaultPolicy"/>.</summary>
    /// <value>The default is <see cref="ExpertFaultPolicy.Fail"/>. With <see cref="ExpertFaultPolicy.Disable"/> it is out of service in the layer, whichever
    /// router is in force, until <see cref="DynamicRouter.EnableExpert"/> puts it back.</value>
    public ExpertFaultPolicy ExpertFaults { get; set; }

    /// <summary>Clock that measures the MoE blocks.</summary>
    /// <value>The default is the system's.</value>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>Receives the few messages of model and routers.</summary>
    /// <value>The default is null: none.</value>
    public ILogger? Logger { get; set; }

    internal ModelLoadOptions Validated()
    {
        RequireRange(nameof(MaxTokens), MaxTokens, 1, 65536);
        RequireRange(nameof(Threads), Threads, 0, 1024);
        if (WeightFormat is { } format && !Enum.IsDefined(format))
        {
            throw new RouterConfigurationException($"ModelLoadOptions: WeightFormat ({(int)format}) is not one of {string.Join(", ", Enum.GetNames<DynamicMoE.WeightFormat>())}.");
        }

        if (!Enum.IsDefined(ExpertFaults))
        {
            throw new RouterConfigurationException(
                $"ModelLoadOptions: ExpertFaults ({(int)ExpertFaults}) is not one of {string.Join(", ", Enum.GetNames<ExpertFaultPolicy>())}.");
        }

        if (!Enum.IsDefined(Isa))
        {
            throw new RouterConfigurationException($"ModelLoadOptions: Isa ({(int)Isa}) is not one of {string.Join(", ", Enum.GetNames<InstructionSet>())}.");
        }

        if (TimeProvider is null)
        {
            throw new RouterConfigurationException("ModelLoadOptions: TimeProvider is null.");
        }

        return (ModelLoadOptions)MemberwiseClone();
    }

    /// <summary>Compares all of a packed file with its checksums, if that was asked for.</summary>
    /// <exception cref="CheckpointFormatException">A section differs.</exception>
    internal void Verify(Checkpoint checkpoint)
    {
        if (VerifyChecksums)
        {
            checkpoint.Packed?.Verify(CancellationToken.None);
        }
    }

    private static void RequireRange(string name, int value, int minimum, int maximum)
    {
        if (value < minimum || value > maximum)
        {
            throw new RouterConfigurationException($"ModelLoadOptions: {name} ({value}) must be between {minimum} and {maximum}.");
        }
    }
}
