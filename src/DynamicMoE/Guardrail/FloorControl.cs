namespace DynamicMoE;

/// <summary>
/// Moves the budget floor by measured drift. Each source (a layer, or the logits of a model) has a window of samples; a mean above the source's
/// limit raises the floor one step above what is in force, and enough calm means of every source that ever filled a window lower it by one. A move
/// empties all windows: what was sampled under another floor says nothing about this one.
/// </summary>
internal sealed class FloorControl(GuardrailOptions options, IBudgetFloor budget)
{
    private readonly Lock _gate = new();
    private readonly List<Source> _sources = [];
    private long _generation;
    private bool _saidStuck;

    /// <summary>Number of moves so far: stamps samples.</summary>
    internal long Generation => Volatile.Read(ref _generation);

    /// <summary>Floor in force, or null.</summary>
    internal double? Floor { get; private set; }

    internal long Raised { get; private set; }

    internal long Lowered { get; private set; }

    /// <summary>Adds a source.</summary>
    /// <param name="name">Name for messages and labels.</param>
    /// <param name="limit">Mean above which the floor rises.</param>
    /// <returns>Its handle for <see cref="Add"/>.</returns>
    internal Source Attach(string name, double limit)
    {
        var source = new Source(name, limit);
        lock (_gate)
        {
            _sources.Add(source);
        }

        return source;
    }

    internal void Detach(Source source)
    {
        lock (_gate)
        {
            _sources.Remove(source);
        }
    }

    /// <summary>Adds a sample.</summary>
    /// <param name="source">Where it was measured.</param>
    /// <param name="drift">At least 0.</param>
    /// <param name="generation"><see cref="Generation"/> when it was taken; an older one is ignored.</param>
    internal void Add(Source source, double drift, long generation)
    {
        lock (_gate)
        {
            if (generation != _generation || !_sources.Contains(source))
            {
                return;
            }

            source.Sum += drift;
            if (++source.Count >= options.MinimumSamples)
            {
                source.Mean = source.Sum / source.Count;
                source.Sum = 0;
                source.Count = 0;
                source.Measures = true;
                Judge(source);
            }
        }
    }

    /// <summary>Takes the floor away.</summary>
    internal void Release()
    {
        lock (_gate)
        {
            if (Floor is not null)
            {
                Set(null);
            }
        }
    }

    private void Judge(Source source)
    {
        if (source.Mean > source.Limit)
        {
            source.Calm = 0;
            Raise(source);
            return;
        }

        source.Calm = source.Mean < options.CalmShare * source.Limit ? source.Calm + 1 : 0;
        if (Floor is not null && _sources.TrueForAll(s => !s.Measures || s.Calm >= options.CalmWindows))
        {
            Lower(source);
        }
    }

    private void Raise(Source source)
    {
        double from = Math.Max(Floor ?? 0, budget.Base);
        double highest = budget.Highest;
        double mean = source.Mean;
        if (from >= highest)
        {
            // Said once until the floor moves again: nothing more can be done about it here.
            if (!_saidStuck && options.Logger is { } logger)
            {
                Log.GuardrailStuck(logger, source.Name, mean, source.Limit, highest == 0 ? "no budget is held" : $"all {highest} experts are in use");
            }

            _saidStuck = true;
            return;
        }

        Raised++;
        Set(Math.Min(highest, from + options.FloorStep));
        GuardrailInstruments.FloorMoved(source.Name, "raised");
        if (options.Logger is { } log)
        {
            Log.GuardrailRaised(log, Floor!.Value, source.Name, mean, source.Limit);
        }
    }

    private void Lower(Source source)
    {
        double next = Floor!.Value - options.FloorStep;
        Lowered++;
        Set(next > budget.Base ? next : null);
        GuardrailInstruments.FloorMoved(source.Name, "lowered");
        if (options.Logger is { } log)
        {
            Log.GuardrailLowered(log, Floor ?? budget.Base, options.CalmWindows);
        }
    }

    private void Set(double? floor)
    {
        Floor = floor;
        _saidStuck = false;
        foreach (Source source in _sources)
        {
            source.Clear();
        }

        // A batch that begins between the two runs under the new floor and counts as old: its samples are left out, none is misplaced.
        budget.SetFloor(floor);
        Volatile.Write(ref _generation, _generation + 1);
    }

    /// <summary>One place where drift is measured.</summary>
    internal sealed class Source(string name, double limit)
    {
        internal string Name { get; } = name;

        internal double Limit { get; } = limit;

        /// <summary>Mean of the last full window since the floor moved; NaN before one.</summary>
        internal double Mean { get; set; } = double.NaN;

        /// <summary>Whether it ever filled a window. From then on the floor falls only once this source is calm too, however rarely it measures.</summary>
        internal bool Measures { get; set; }

        internal double Sum { get; set; }

        internal int Count { get; set; }

        /// <summary>Calm windows in a row.</summary>
        internal int Calm { get; set; }

        internal void Clear()
        {
            Mean = double.NaN;
            Sum = 0;
            Count = 0;
            Calm = 0;
        }
    }
}
