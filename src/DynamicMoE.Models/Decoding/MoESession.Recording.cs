namespace DynamicMoE.Models;

/// <content>Record and replay. Passes of the session alone; batches refuse a session that does either.</content>
public sealed partial class MoESession
{
    /// <summary>Where decisions come from, or null: from the routers.</summary>
    internal IRoutingSource? Source { get; private set; }

    /// <summary>Where decisions are written to, or null.</summary>
    internal RoutingRecordWriter? Record { get; private set; }

    /// <summary>Writes the routing decisions of all passes from now on. <see cref="MoEModel.ForwardBatch"/> refuses the
    /// session meanwhile. Call it between passes; complete and dispose the writer afterwards.</summary>
    /// <param name="writer">A writer whose header is <see cref="MoEModel.DescribeRun"/>, which no other session uses; null ends the recording.</param>
    /// <exception cref="RouterConfigurationException">The header is that of another run; names what differs.</exception>
    public void RecordTo(RoutingRecordWriter? writer)
    {
        if (writer is not null)
        {
            RoutingRecordHeader here = _model.DescribeRun();
            RequireLayers(writer.Header, here, "the record to be written");
            IReadOnlyList<string> differences = writer.Header.DifferencesTo(here);
            if (differences.Count > 0)
            {
                throw new RouterConfigurationException($"The header of the record to be written does not describe this run: {string.Join("; ", differences)}.");
            }
        }

        Record = writer;
    }

    /// <summary>Takes the routing decisions of all passes from now on out of a record, whatever routing is in force: with the recorded passes the logits have
    /// the bits of the recorded run. Routers are not asked and learn nothing. Passes must have the recorded tokens, lengths and positions, and the model the
    /// recorded run's MaxTokens; <see cref="MoEModel.ForwardBatch"/> refuses the session meanwhile; a pass that differs throws <see cref="RoutingValidationException"/>, damage <see cref="RoutingRecordException"/>. Call it between passes.</summary>
    /// <param name="reader">A reader that no other session uses; null ends the replay.</param>
    /// <param name="mismatch">What happens when the record belongs to another model, weight format, instruction-set level or processor vendor.</param>
    /// <exception cref="RouterConfigurationException">The record belongs to another run, or to a model of another shape; names what differs.</exception>
    public void ReplayFrom(RoutingRecordReader? reader, ReplayMismatch mismatch = ReplayMismatch.Refuse)
    {
        if (reader is not null)
        {
            RoutingRecordHeader here = _model.DescribeRun();
            RequireLayers(reader.Header, here, reader.Name);
            IReadOnlyList<string> differences = reader.Header.DifferencesTo(here);
            if (differences.Count > 0 && mismatch != ReplayMismatch.Warn)
            {
                throw new RouterConfigurationException(
                    $"{reader.Name} cannot be replayed here bit for bit. It was recorded with {string.Join("; ", differences)}.");
            }

            if (differences.Count > 0 && _model.Options.Logger is { } logger)
            {
                Log.OtherReplay(logger, reader.Name, string.Join("; ", differences));
            }
        }

        Source = reader is null ? null : new RoutingReplay(reader);
    }

    /// <summary>Lets something else decide than the routers in force; null ends that.</summary>
    internal void RouteBy(IRoutingSource? source) => Source = source;

    private static void RequireLayers(RoutingRecordHeader record, RoutingRecordHeader here, string name)
    {
        if (!record.HasLayersOf(here))
        {
            throw new RouterConfigurationException(
                $"{name} is of model {record.Model} with {record.Layers.Count} layers of {record.Layers[0].Experts} experts; this is model {here.Model} with {here.Layers.Count} layers of {here.Layers[0].Experts}.");
        }
    }
}
