using System.Numerics;
using DynamicMoE.Models;

namespace DynamicMoE.Hosting.Generation;

/// <summary>Sessions that sequences used before, whose keys and values are allocated. One thread at a time.</summary>
/// <param name="keep">Sessions kept at most.</param>
internal sealed class SessionPool(int keep)
{
    private readonly List<(MoEModel Model, MoESession Session)> _free = [];

    /// <summary>An empty session that holds so many positions; the smallest there is, else a new one.</summary>
    public MoESession Rent(MoEModel model, int positions)
    {
        int best = -1;
        for (int i = 0; i < _free.Count; i++)
        {
            (MoEModel owner, MoESession session) = _free[i];
            if (owner == model && session.MaxPositions >= positions && (best < 0 || session.MaxPositions < _free[best].Session.MaxPositions))
            {
                best = i;
            }
        }

        if (best < 0)
        {
            return model.CreateSession((int)Math.Min(model.Config.MaxPositions, BitOperations.RoundUpToPowerOf2((uint)Math.Max(positions, 64))));
        }

        MoESession found = _free[best].Session;
        _free.RemoveAt(best);
        return found;
    }

    /// <summary>Takes a session back.</summary>
    public void Return(MoEModel model, MoESession session)
    {
        session.Reset();
        session.Quality = null;
        if (_free.Count >= keep)
        {
            _free.RemoveAt(0);
        }

        _free.Add((model, session));
    }

    /// <summary>Forgets the sessions of every model but one.</summary>
    public void KeepOnly(MoEModel? model) => _free.RemoveAll(entry => entry.Model != model);
}
