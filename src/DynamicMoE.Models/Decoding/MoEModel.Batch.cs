namespace DynamicMoE.Models;

/// <content>Many sequences in one pass.</content>
public sealed partial class MoEModel
{
    /// <summary>Appends each step's tokens to its session in one pass over all rows, and computes the logits behind each step's last token. Norms, dense products, experts
    /// and the output head run on all rows together, attention by sequence; more rows than <see cref="ModelLoadOptions.MaxTokens"/> run in chunks. Each
    /// session's <see cref="MoESession.Quality"/> or <see cref="MoESession.ExpertsBudget"/> holds for its own rows. Allocates nothing once as large a batch has run.
    /// Several batches of different sessions may run at once.</summary>
    /// <remarks>Under static routing, and under dynamic routing while all routers are frozen and without a cap on distinct experts, a session's logits have the bits of the
    /// same session run alone. Sessions that record or replay their routing are refused. After a failure every session is as before: leave the one that failed
    /// out, and the others can go on.</remarks>
    /// <param name="steps">At least 1, of sessions of this model, none twice.</param>
    /// <param name="logits">[out] <c>[steps, VocabularySize]</c>, row-major; what is behind stays as it is.</param>
    /// <param name="reports">[out] <c>[steps]</c>: figures of each step's own rows, but MoETime, which is the batch's; empty = not wanted.</param>
    /// <returns>Figures of the whole batch, as one pass.</returns>
    /// <exception cref="ArgumentNullException">A step has no session.</exception>
    /// <exception cref="RoutingValidationException">There is no step, a length does not fit, an id is outside its range, a sequence is full, or a session belongs to another model, is there
    /// twice, is in another pass, records or replays; names the step. Nothing was changed.</exception>
    /// <exception cref="SequenceStepException">Finite input of one step overflowed; names step, layer and position. No session has advanced; logits are undefined.</exception>
    /// <exception cref="ExpertDispatchException">An expert failed, and no single step is to blame. No session has advanced; logits are undefined.</exception>
    /// <exception cref="DynamicMoEMemoryException">Working memory for the rows cannot be had. No session has advanced.</exception>
    /// <exception cref="LoadBalancingException">Fewer experts are in service than MinExperts. No session has advanced; logits are undefined.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public ForwardReport ForwardBatch(ReadOnlySpan<SequenceStep> steps, Span<float> logits, Span<ForwardReport> reports = default)
    {
        ModelWeights weights = Weights;
        long needed = (long)steps.Length * Config.VocabularySize;
        if (steps.IsEmpty)
        {
            throw new RoutingValidationException("steps is empty, at least 1 is needed.");
        }

        if (logits.Length < needed)
        {
            throw new RoutingValidationException($"logits has {logits.Length} elements, at least {needed} are needed.");
        }

        if (!reports.IsEmpty && reports.Length < steps.Length)
        {
            throw new RoutingValidationException($"reports has {reports.Length} elements, 0 or at least {steps.Length} are needed.");
        }

        ForwardPass pass = Passes.Rent();
        int entered = 0;
        try
        {
            for (; entered < steps.Length; entered++)
            {
                Enter(steps, entered);
            }

            for (int i = 0; i < steps.Length; i++)
            {
                if (steps[i].Session.Problem(steps[i].Tokens.Span, i) is { } problem)
                {
                    throw new RoutingValidationException(problem);
                }
            }

            foreach (ref readonly SequenceStep step in steps)
            {
                pass.Add(step.Session, step.Tokens.Span);
            }

            return pass.RunBatch(weights, logits, reports);
        }
        finally
        {
            foreach (ref readonly SequenceStep step in steps[..entered])
            {
                step.Session.Exit();
            }

            Passes.Return(pass);
        }
    }

    private void Enter(ReadOnlySpan<SequenceStep> steps, int index)
    {
        MoESession session = steps[index].Session ?? throw new ArgumentNullException($"steps[{index}].Session");
        if (!session.IsOf(this))
        {
            throw new RoutingValidationException($"steps[{index}] has a session of another model.");
        }

        if (session.Source is not null || session.Record is not null || session.Advisor is not null)
        {
            throw new RoutingValidationException($"steps[{index}] has a session that records or replays its routing; these run alone.");
        }

        if (!session.TryEnter())
        {
            int first = 0;
            while (first < index && !ReferenceEquals(steps[first].Session, session))
            {
                first++;
            }

            throw new RoutingValidationException(first < index
                ? $"steps[{index}] has the session of steps[{first}]; a batch has one step of each."
                : $"steps[{index}] has a session that is in another pass; one thread at a time may use it.");
        }
    }
}
