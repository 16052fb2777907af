using DynamicMoE.Models;

namespace DynamicMoE.Hosting.Generation;

/// <summary>Sessions of one model that sequences used before, whose keys and values are allocated. One thread at a time.</summary>
internal sealed class SessionPool
{
    // What is behind a burst of many sequences need not stay.
    private const int MostKept = 32;

    private readonly List<MoESession> _free = [];
    private long _freePositions;

    /// <summary>An empty session of so many positions: one that was used before, else a new one.</summary>
    /// <param name="model">The model.</param>
    /// <param name="positions">Positions, as <see cref="SequenceMemory.SessionPositions"/> has them.</param>
    /// <param name="memory">Where the session's bytes are reserved. Sessions that nobody uses have what is not reserved there, and go where it is less than they hold.</param>
    public MoESession Rent(MoEModel model, int positions, SequenceMemory memory)
    {
        int found = _free.FindLastIndex(session => session.MaxPositions == positions);
        MoESession? session = found < 0 ? null : Take(found);
        while (_free.Count > 0 && _freePositions * SequenceMemory.PerPosition(model.Config) > memory.Capacity - memory.Reserved)
        {
            _ = Take(0);
        }

        return session ?? model.CreateSession(positions);
    }

    /// <summary>Takes a session back.</summary>
    public void Return(MoESession session)
    {
        session.Reset();
        session.Quality = null;
        session.ExpertsBudget = null;
        if (_free.Count == MostKept)
        {
            _ = Take(0);
        }

        _free.Add(session);
        _freePositions += session.MaxPositions;
    }

    /// <summary>Lets go of the sessions that nobody uses.</summary>
    public void Clear()
    {
        _free.Clear();
        _freePositions = 0;
    }

    private MoESession Take(int index)
    {
        MoESession session = _free[index];
        _free.RemoveAt(index);
        _freePositions -= session.MaxPositions;
        return session;
    }
}
