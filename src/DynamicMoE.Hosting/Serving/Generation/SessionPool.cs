using System.Numerics;
using DynamicMoE.Models;

namespace DynamicMoE.Hosting.Generation;

/// <summary>Sessions of one model that sequences used before, whose keys and values are allocated. One thread at a time.</summary>
internal sealed class SessionPool
{
    // What is behind a burst of many sequences need not stay.
    private const int MostKept = 32;
    private const int LeastPositions = 64;

    private readonly List<MoESession> _free = [];

    /// <summary>An empty session that holds so many positions; the smallest there is, else a new one.</summary>
    public MoESession Rent(MoEModel model, int positions)
    {
        MoESession? best = null;
        foreach (MoESession session in _free)
        {
            if (session.MaxPositions >= positions && (best is null || session.MaxPositions < best.MaxPositions))
            {
                best = session;
            }
        }

        if (best is null)
        {
            uint size = BitOperations.RoundUpToPowerOf2((uint)Math.Max(positions, LeastPositions));
            return model.CreateSession((int)Math.Min(model.Config.MaxPositions, size));
        }

        _free.Remove(best);
        return best;
    }

    /// <summary>Takes a session back.</summary>
    public void Return(MoESession session)
    {
        session.Reset();
        session.Quality = null;
        session.ExpertsBudget = null;
        if (_free.Count == MostKept)
        {
            _free.RemoveAt(0);
        }

        _free.Add(session);
    }
}
