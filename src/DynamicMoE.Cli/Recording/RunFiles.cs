using DynamicMoE.Cli.Terminal;
using DynamicMoE.Models;

namespace DynamicMoE.Cli.Recording;

/// <summary>Where a run's routing is written to and where it comes from.</summary>
/// <param name="Record">File to write, or null.</param>
/// <param name="Replay">File whose decisions are used, or null.</param>
/// <param name="Force">Whether an existing file is replaced.</param>
/// <param name="AnyMachine">Whether a record of another model, format, instruction set or vendor is replayed all the same.</param>
internal sealed record RunFiles(string? Record, string? Replay, bool Force, bool AnyMachine)
{
    /// <summary>Says what can be said before a model is loaded.</summary>
    /// <exception cref="ToolException">The file to write exists, or the one to replay does not.</exception>
    public void RequireUsable()
    {
        if (Record is not null && !Force && File.Exists(Record))
        {
            throw new ToolException($"--record '{Record}' exists; --force replaces it");
        }

        if (Replay is not null && !File.Exists(Replay))
        {
            throw new ToolException($"--replay '{Replay}' is not a file");
        }
    }

    /// <summary>Attaches a session to the files.</summary>
    /// <exception cref="RouterConfigurationException">The record belongs to another run.</exception>
    /// <exception cref="RoutingRecordException">The record is damaged.</exception>
    public RunRecording Attach(MoEModel model, MoESession session, ToolConsole console)
    {
        var recording = new RunRecording();
        try
        {
            if (Replay is not null)
            {
                RoutingRecordReader reader = recording.Own(RoutingRecordReader.Open(Replay));
                Warn(console, reader, model);
                session.ReplayFrom(reader, AnyMachine ? ReplayMismatch.Warn : ReplayMismatch.Refuse);
            }

            if (Record is not null)
            {
                session.RecordTo(recording.Own(RoutingRecordWriter.Create(Record, model.DescribeRun(), Force)));
            }

            return recording;
        }
        catch
        {
            recording.Dispose();
            throw;
        }
    }

    private void Warn(ToolConsole console, RoutingRecordReader reader, MoEModel model)
    {
        IReadOnlyList<string> differences = reader.Header.DifferencesTo(model.DescribeRun());
        if (AnyMachine && differences.Count > 0)
        {
            console.Error.WriteLine($"dmoe: warning: {reader.Name} was recorded with {string.Join("; ", differences)}: outputs may differ");
        }
    }
}

/// <summary>Open files of a run; a record that is not completed leaves nothing behind.</summary>
internal sealed class RunRecording : IDisposable
{
    private RoutingRecordReader? _reader;
    private RoutingRecordWriter? _writer;

    /// <summary>Takes over a reader.</summary>
    public RoutingRecordReader Own(RoutingRecordReader reader) => _reader = reader;

    /// <summary>Takes over a writer.</summary>
    public RoutingRecordWriter Own(RoutingRecordWriter writer) => _writer = writer;

    /// <summary>Puts the record into its place.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Complete() => _writer?.Complete();

    /// <inheritdoc/>
    public void Dispose()
    {
        _writer?.Dispose();
        _reader?.Dispose();
    }
}
