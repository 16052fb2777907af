namespace DynamicMoE.Models;

/// <summary>Buffers of a pass for a chunk of rows. They grow to the largest chunk that came.</summary>
internal sealed class Workspace(ModelConfig config)
{
    private readonly AttentionConfig _attention = config.Attention!;

    /// <summary>Rows that fit.</summary>
    public int Rows { get; private set; }

    public float[] Hidden { get; private set; } = [];

    public float[] Normed { get; private set; } = [];

    public float[] Delta { get; private set; } = [];

    public float[] Query { get; private set; } = [];

    public float[] Keys { get; private set; } = [];

    public float[] Values { get; private set; } = [];

    public float[] Attended { get; private set; } = [];

    public float[] DenseGate { get; private set; } = [];

    public float[] DenseUp { get; private set; } = [];

    public RotaryAngles Rotary { get; } = new(config.Attention!);

    /// <summary>Makes room. What the buffers hold is lost when they grow.</summary>
    public void Reserve(int rows)
    {
        if (rows <= Rows)
        {
            return;
        }

        Hidden = Make(rows, config.HiddenSize);
        Normed = Make(rows, config.HiddenSize);
        Delta = Make(rows, config.HiddenSize);
        Query = Make(rows, _attention.QueryWidth);
        Keys = Make(rows, _attention.KeyValueWidth);
        Values = Make(rows, _attention.KeyValueWidth);
        Attended = Make(rows, _attention.QueryWidth);
        DenseGate = Make(rows, config.DenseWidth);
        DenseUp = Make(rows, config.DenseWidth);
        Rotary.Reserve(rows);
        Rows = rows;
    }

    private static float[] Make(int rows, int width) => new float[(long)rows * width];
}
