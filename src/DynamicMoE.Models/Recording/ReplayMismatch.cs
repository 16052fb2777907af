namespace DynamicMoE.Models;

/// <summary>What happens when a record belongs to another model, weight format, instruction-set level or processor vendor.</summary>
public enum ReplayMismatch
{
    /// <summary>The record is refused: its outputs would not have the bits of the recorded run.</summary>
    Refuse = 0,

    /// <summary>A warning names what differs, and the recorded experts and weights are used: outputs are close to the recorded run's where only format, level or
    /// vendor differ, and meaningless with another model's weights.</summary>
    Warn = 1,
}
