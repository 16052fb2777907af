using System.Runtime.InteropServices;
using DynamicMoE.Hosting.Loading;
using DynamicMoE.Models;

namespace DynamicMoE.Hosting.Generation;

/// <summary>The sequences that are being generated: every step appends one token to each, and pieces of prompts as far as a batch has room.</summary>
internal sealed class SequenceRunner(ServingSettings settings, EngineFigures figures, TimeProvider time)
{
    private readonly List<Sequence> _active = [];
    private readonly List<Sequence> _group = [];
    private readonly List<SequenceStep> _steps = [];
    private float[] _logits = [];
    private ForwardReport[] _reports = [];
    private int[] _experts = [];
    private int _count;

    /// <summary>Sequences between their first and last batch.</summary>
    public int Count => Volatile.Read(ref _count);

    public bool Any => Count > 0;

    /// <summary>Takes sequences in and runs one step of all.</summary>
    /// <param name="joining">Sequences that have begun.</param>
    /// <param name="impose">Puts the ceiling of overload into force for a model, and returns it.</param>
    public void Step(List<Sequence> joining, Func<ServedModel, double?> impose)
    {
        foreach (Sequence sequence in joining)
        {
            Join(sequence);
        }

        RemoveEnded();
        for (int first = 0; first < _active.Count; first++)
        {
            if (IsFirstOfItsModel(first))
            {
                StepModel(_active[first].Model, impose(_active[first].Model));
                LetGo(_active[first].Model);
            }
        }

        RemoveEnded();
    }

    /// <summary>Ends what is left.</summary>
    public void Stop()
    {
        foreach (Sequence sequence in _active)
        {
            Fail(sequence, new ServiceUnavailableException("The service was stopped before this sequence ended.", ServiceState.Stopped, TimeSpan.Zero));
        }

        RemoveEnded();
    }

    private void Join(Sequence sequence)
    {
        try
        {
            figures.Waited(time.GetElapsedTime(sequence.Accepted));
            MoESession session = sequence.Model.Sessions.Rent(sequence.Model.Model!, sequence.SessionPositions, sequence.Memory);
            session.Quality = sequence.Request.Quality;
            if (sequence.Request.ExpertsBudget is double budget)
            {
                session.ExpertsBudget = (float)budget;
            }

            sequence.Session = session;
            _active.Add(sequence);
            Volatile.Write(ref _count, _active.Count);
        }
        catch (Exception error)
        {
            Fail(sequence, error);
            sequence.Release();
        }
    }

    private void RemoveEnded()
    {
        for (int i = _active.Count - 1; i >= 0; i--)
        {
            Sequence sequence = _active[i];
            if (sequence.HasEnded)
            {
                _active.RemoveAt(i);
                sequence.Model.Sessions.Return(sequence.Session!);
                sequence.Release();
            }
        }

        Volatile.Write(ref _count, _active.Count);
    }

    // A model that takes no more sequences needs no sessions for them.
    private static void LetGo(ServedModel model)
    {
        if (model.IsRetired)
        {
            model.Sessions.Clear();
        }
    }

    private bool IsFirstOfItsModel(int index) => _active.FindIndex(sequence => sequence.Model == _active[index].Model) == index;

    private void StepModel(ServedModel model, double? ceiling)
    {
        Collect(model);
        try
        {
            Run(model, ceiling);
        }
        catch (SequenceStepException error) when (error.Step is int step)
        {
            // No session has advanced: the others take this step again, with the next turn.
            Fail(_group[step], error);
        }
        catch (Exception error) when (_group.Count == 1)
        {
            Fail(_group[0], error);
        }
        catch (Exception)
        {
            RunOneByOne(model, ceiling);
        }
    }

    // Who is to blame shows when each runs alone; a step that was taken before the failure is not taken again, since its session has moved on.
    private void RunOneByOne(ServedModel model, double? ceiling)
    {
        (Sequence, SequenceStep)[] all = [.. _group.Zip(_steps)];
        foreach ((Sequence sequence, SequenceStep step) in all)
        {
            if (sequence.HasEnded || sequence.Session!.Position != sequence.Position)
            {
                continue;
            }

            _group.Clear();
            _steps.Clear();
            _group.Add(sequence);
            _steps.Add(step);
            try
            {
                Run(model, ceiling);
            }
            catch (Exception error)
            {
                Fail(sequence, error);
            }
        }
    }

    // Tokens that are decoded first; prompts share what room is left, and each gets on by one token at least.
    private void Collect(ServedModel model)
    {
        _group.Clear();
        _steps.Clear();
        int room = settings.MaxBatchTokens, prompts = 0;
        foreach (Sequence sequence in _active)
        {
            bool runs = sequence.Model == model && !sequence.HasEnded;
            prompts += runs && sequence.IsPrefill ? 1 : 0;
            if (runs && !sequence.IsPrefill)
            {
                Add(sequence, 1);
            }
        }

        foreach (Sequence sequence in _active)
        {
            if (sequence.Model == model && sequence.IsPrefill && !sequence.HasEnded && prompts > 0)
            {
                Add(sequence, Math.Max(room / prompts--, 1));
            }
        }

        void Add(Sequence sequence, int most)
        {
            ReadOnlyMemory<int> tokens = sequence.Next(most);
            _group.Add(sequence);
            _steps.Add(new SequenceStep(sequence.Session!, tokens));
            room -= tokens.Length;
        }
    }

    private void Run(ServedModel model, double? ceiling)
    {
        if (_steps.Count == 0)
        {
            return;
        }

        int vocabulary = model.Model!.Config.VocabularySize;
        if (_logits.Length < _steps.Count * vocabulary)
        {
            _logits = new float[_steps.Count * vocabulary];
        }

        if (_reports.Length < _steps.Count)
        {
            _reports = new ForwardReport[_steps.Count];
        }

        long begin = time.GetTimestamp();
        ForwardReport report = model.Model.ForwardBatch(CollectionsMarshal.AsSpan(_steps), _logits, _reports);
        figures.Ran(report.Tokens, time.GetElapsedTime(begin));
        for (int i = 0; i < _group.Count; i++)
        {
            Sequence sequence = _group[i];
            Tell(sequence);
            sequence.Fed(_steps[i].Tokens.Length);
            sequence.Ceiling = ceiling;
            if (!sequence.IsPrefill && sequence.TryDeliver())
            {
                Advance(sequence, _logits.AsSpan(i * vocabulary, vocabulary));
            }
        }
    }

    private void Advance(Sequence sequence, ReadOnlySpan<float> logits)
    {
        try
        {
            if (sequence.Advance(logits, sequence.Session!.LastExpertsPerToken[^1]))
            {
                sequence.Continue();
            }
            else
            {
                figures.Answered(time.GetElapsedTime(sequence.Accepted));
            }
        }
        catch (Exception error)
        {
            if (!sequence.HasEnded)
            {
                sequence.Continue();
                Fail(sequence, error);
            }
        }
    }

    // The histogram has whole numbers of experts; a token's mean over layers counts at the nearest.
    private void Tell(Sequence sequence)
    {
        ReadOnlySpan<float> means = sequence.Session!.LastExpertsPerToken;
        if (_experts.Length < means.Length)
        {
            _experts = new int[means.Length];
        }

        for (int t = 0; t < means.Length; t++)
        {
            _experts[t] = (int)MathF.Round(means[t]);
        }

        ModelFigures counts = sequence.Model.Figures;
        counts.Used(_experts.AsSpan(0, means.Length));
        SequenceMetrics.Record(_experts.AsSpan(0, means.Length));
        for (int layer = 0; layer < sequence.Session.LastRouting.Length; layer++)
        {
            RoutingReport report = sequence.Session.LastRouting[layer].Report;
            counts.Routed(layer, report);
            SequenceMetrics.Record(layer, report);
        }
    }

    private void Fail(Sequence sequence, Exception error)
    {
        sequence.Fail(error, figures.Failed);
    }
}
