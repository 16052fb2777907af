namespace DynamicMoE;

/// <summary>
/// Decides how many threads a call may use and what is taken from the budget, from one load per interval. A missed target is acted on at once; what
/// is held easily must be held for a whole window before anything is given up, and longer each time that proves wrong. Not thread-safe; knows no clock.
/// </summary>
internal sealed class Autoscaler
{
    private const int MostPatience = 16;

    private readonly ScalingOptions _options;
    private readonly bool _enabled;
    private readonly BudgetArbiter? _arbiter;
    private int _workers;
    private int _calmIntervals;
    private int _patience = 1;
    private bool _gaveUp;
    private double _offset;

    /// <param name="options">Checked.</param>
    /// <param name="enabled">Whether anything is changed.</param>
    /// <param name="workers">Threads of a call at first.</param>
    /// <param name="arbiter">Gets the proposals, or null.</param>
    internal Autoscaler(ScalingOptions options, bool enabled, int workers, BudgetArbiter? arbiter)
    {
        _options = options;
        _enabled = enabled;
        _arbiter = enabled && options.MaxBudgetCut > 0 ? arbiter : null;
        _workers = workers;
    }

    /// <summary>Most threads that a call may use now. Any thread may read it.</summary>
    internal int Workers => Volatile.Read(ref _workers);

    internal double Offset => _offset;

    internal bool Enabled => _enabled;

    internal bool Proposes => _arbiter is not null;

    internal long ScaleUps { get; private set; }

    internal long ScaleDowns { get; private set; }

    internal long BudgetChanges { get; private set; }

    internal ScalingAction LastAction { get; private set; }

    // A frozen arbiter ignores proposals; what it ignores must not be taken for done.
    private bool CanPropose => _arbiter is { Frozen: false };

    /// <summary>Takes the load of an interval into account.</summary>
    /// <param name="load">Since the last change.</param>
    /// <param name="most">Most threads of a call.</param>
    /// <returns>What was changed.</returns>
    internal ScalingAction Step(in ScalingLoad load, int most)
    {
        if (!_enabled)
        {
            return ScalingAction.None;
        }

        _calmIntervals = ScalingRules.IsCalm(in load, _options) ? _calmIntervals + 1 : 0;
        bool hot = ScalingRules.IsHot(in load, _options);
        bool calm = _calmIntervals >= (long)_patience * _options.Slots;
        ScalingAction action = hot ? ScalingRules.WhenHot(in load, _options, _workers, most, CanPropose && _offset > -_options.MaxBudgetCut)
            : calm ? ScalingRules.WhenCalm(_options, _workers, CanPropose ? _offset : 0)
            : ScalingAction.None;
        if (action == ScalingAction.None)
        {
            return action;
        }

        // A target that is missed after something was given up: that was too early. Two steps in a row that hold earn trust again.
        _patience = !_gaveUp ? _patience : hot ? Math.Min(MostPatience, 2 * _patience) : Math.Max(1, _patience / 2);
        _gaveUp = !hot;
        _calmIntervals = 0;
        Act(action, hot, most);
        LastAction = action;
        Report(action, in load);
        return action;
    }

    private void Act(ScalingAction action, bool hot, int most)
    {
        switch (action)
        {
            case ScalingAction.MoreWorkers:
                SetWorkers(Math.Min(most, 2 * _workers));
                ScaleUps++;
                break;
            case ScalingAction.FewerWorkers:
                SetWorkers(Math.Max(_options.MinWorkers, hot ? _workers / 2 : _workers - 1));
                ScaleDowns++;
                break;
            default:
                double step = action == ScalingAction.LowerBudget ? -_options.BudgetStep : _options.BudgetStep;
                _offset = Math.Clamp(_offset + step, -_options.MaxBudgetCut, 0);
                _arbiter!.ProposeScaling(_offset);
                BudgetChanges++;
                break;
        }
    }

    private void SetWorkers(int workers) => Volatile.Write(ref _workers, workers);

    private void Report(ScalingAction action, in ScalingLoad load)
    {
        if (_options.Logger is { } logger)
        {
            Log.Scaled(logger, action, _workers, _offset, load.P95 * 1e3, load.Queue, load.Utilization);
        }
    }
}
