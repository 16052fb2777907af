namespace DynamicMoE.Models;

/// <summary>Working memory of a model's passes: as many as ran at once. Safe for many threads.</summary>
internal sealed class PassPool(MoEModel model)
{
    private readonly Lock _gate = new();
    private readonly Stack<ForwardPass> _free = new();

    /// <summary>Takes one; give it back with <see cref="Return"/>.</summary>
    public ForwardPass Rent()
    {
        lock (_gate)
        {
            if (_free.TryPop(out ForwardPass? pass))
            {
                return pass;
            }
        }

        return new ForwardPass(model);
    }

    /// <summary>Gives one back; it lets go of its sequences.</summary>
    public void Return(ForwardPass pass)
    {
        pass.Clear();
        lock (_gate)
        {
            _free.Push(pass);
        }
    }
}
