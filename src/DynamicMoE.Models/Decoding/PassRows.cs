using System.Numerics;

namespace DynamicMoE.Models;

/// <summary>The steps of a pass, and which row of the chunk that runs is whose. Allocates only when a pass is larger than those before.</summary>
internal sealed class PassRows
{
    private MoESession[] _sessions = [];
    private int[] _counts = [];
    private float[] _dials = [];
    private PassSegment[] _segments = [];
    private int[] _positions = [];
    private int[] _wanted = [];
    private float[] _quality = [];
    private int _segmentCount;
    private int _wantedCount;
    private int _step;
    private int _done;

    /// <summary>Whether a failure is told by step: the sequences of a batch.</summary>
    public bool IsBatch { get; set; }

    /// <summary>Sequences.</summary>
    public int Steps { get; private set; }

    /// <summary>Rows of all steps.</summary>
    public long Tokens { get; private set; }

    /// <summary>Rows of a chunk that there is room for: what works on rows holds as many, so that all grow together and seldom.</summary>
    public int Capacity => _positions.Length;

    /// <summary>Rows of the chunk.</summary>
    public int Count { get; private set; }

    /// <summary>Whether a row of the chunk has a dial of its own.</summary>
    public bool HasDials { get; private set; }

    /// <summary>The chunk's rows by sequence.</summary>
    public ReadOnlySpan<PassSegment> Segments => _segments.AsSpan(0, _segmentCount);

    /// <summary>Position of each row of the chunk.</summary>
    public ReadOnlySpan<int> Positions => _positions.AsSpan(0, Count);

    /// <summary>Rows of the chunk whose logits are wanted, ascending.</summary>
    public ReadOnlySpan<int> Wanted => _wanted.AsSpan(0, _wantedCount);

    /// <summary>Dial of each row of the chunk; NaN = none.</summary>
    public ReadOnlyMemory<float> Quality => _quality.AsMemory(0, Count);

    /// <summary>The sequence of a step.</summary>
    public MoESession Session(int step) => _sessions[step];

    /// <summary>Rows of a step.</summary>
    public int CountOf(int step) => _counts[step];

    /// <summary>Whether a step has a dial of its own.</summary>
    public bool HasDial(int step) => !float.IsNaN(_dials[step]);

    /// <summary>Forgets the pass, and the sessions with it.</summary>
    public void Clear()
    {
        Array.Clear(_sessions, 0, Steps);
        Array.Clear(_segments, 0, _segmentCount);
        (Steps, Tokens, Count, _segmentCount, _wantedCount, _step, _done) = (0, 0, 0, 0, 0, 0, 0);
    }

    /// <summary>Adds a step; its ids stand in the session's history behind its position.</summary>
    public void Add(MoESession session, int count)
    {
        if (Steps == _sessions.Length)
        {
            int length = Math.Max(4, 2 * Steps);
            Array.Resize(ref _sessions, length);
            Array.Resize(ref _counts, length);
            Array.Resize(ref _dials, length);
            _segments = new PassSegment[length];
        }

        _sessions[Steps] = session;
        _counts[Steps] = count;
        _dials[Steps] = session.Dial;
        Steps++;
        Tokens += count;
    }

    /// <summary>Goes to the next chunk.</summary>
    /// <param name="most">Most rows.</param>
    /// <param name="everyPosition">Whether the logits of all rows are wanted, else those of each step's last.</param>
    /// <returns>False when all rows were done.</returns>
    public bool Next(int most, bool everyPosition)
    {
        (Count, _segmentCount, _wantedCount, HasDials) = (0, 0, 0, false);
        Reserve((int)Math.Min(most, Tokens), most);
        while (_step < Steps && Count < most)
        {
            int count = Math.Min(_counts[_step] - _done, most - Count);
            var segment = new PassSegment(_sessions[_step], _step, Count, count, _done);
            _segments[_segmentCount++] = segment;
            Fill(in segment, everyPosition);
            Count += count;
            _done += count;
            if (_done == _counts[_step])
            {
                _step++;
                _done = 0;
            }
        }

        return Count > 0;
    }

    /// <summary>What is thrown because a row of the chunk failed.</summary>
    public DynamicMoEException Blame(int row, ExpertDispatchException error)
    {
        int i = 0;
        while (row >= _segments[i].Row + _segments[i].Count)
        {
            i++;
        }

        return IsBatch ? new SequenceStepException(_segments[i].Step, error) : error;
    }

    private void Fill(in PassSegment segment, bool everyPosition)
    {
        float dial = _dials[segment.Step];
        bool last = segment.Done + segment.Count == _counts[segment.Step];
        for (int i = 0; i < segment.Count; i++)
        {
            int row = segment.Row + i;
            _positions[row] = segment.Position + i;
            _quality[row] = dial;
            if (everyPosition || (last && i == segment.Count - 1))
            {
                _wanted[_wantedCount++] = row;
            }
        }

        HasDials |= !float.IsNaN(dial);
    }

    private void Reserve(int rows, int most)
    {
        if (Capacity < rows)
        {
            rows = (int)Math.Min(BitOperations.RoundUpToPowerOf2((uint)rows), (uint)most);
            _wanted = new int[rows];
            _quality = new float[rows];
            _positions = new int[rows];
        }
    }
}
