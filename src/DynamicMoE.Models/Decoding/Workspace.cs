namespace DynamicMoE.Models;

/// <summary>Buffers of one session for a chunk of positions.</summary>
internal sealed class Workspace
{
    public Workspace(ModelConfig config, int tokens)
    {
        Tokens = tokens;
        Hidden = new float[tokens * config.HiddenSize];
        Normed = new float[Hidden.Length];
        Delta = new float[Hidden.Length];
        Query = new float[tokens * config.Attention!.QueryWidth];
        Attended = new float[Query.Length];
        DenseGate = new float[tokens * config.DenseWidth];
        DenseUp = new float[DenseGate.Length];
        Rotary = new RotaryAngles(config.Attention, tokens);
    }

    /// <summary>Positions that fit.</summary>
    public int Tokens { get; }

    public float[] Hidden { get; }

    public float[] Normed { get; }

    public float[] Delta { get; }

    public float[] Query { get; }

    public float[] Attended { get; }

    public float[] DenseGate { get; }

    public float[] DenseUp { get; }

    public RotaryAngles Rotary { get; }
}
