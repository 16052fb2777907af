using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace DynamicMoE.Server;

/// <summary>An answer of server-sent events. Each is sent as soon as it is written.</summary>
internal sealed class EventStream : IDisposable
{
    private readonly PipeWriter _output;
    private readonly Utf8JsonWriter _json;

    /// <summary>Begins the answer with its headers.</summary>
    public EventStream(HttpContext context)
    {
        HttpResponse response = context.Response;
        response.ContentType = MediaTypes.EventStream;
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no";
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        _output = response.BodyWriter;
        _json = new Utf8JsonWriter(_output, ApiJson.WriterOptions);
    }

    /// <summary>Sends a value. Its JSON has no line ends, which would end the event.</summary>
    public async ValueTask SendAsync<T>(T value, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        _output.Write("data: "u8);
        JsonSerializer.Serialize(_json, value, type);
        await _json.FlushAsync(cancellationToken).ConfigureAwait(false);
        _json.Reset();
        await EndAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sends the mark that OpenAI's clients wait for.</summary>
    public ValueTask DoneAsync(CancellationToken cancellationToken)
    {
        _output.Write("data: [DONE]"u8);
        return EndAsync(cancellationToken);
    }

    /// <summary>Sends an event <c>error</c> with a problem document.</summary>
    public ValueTask FailAsync(Problem problem, CancellationToken cancellationToken)
    {
        _output.Write("event: error\ndata: "u8);
        ProblemWriter.Write(_output, problem, openAi: true);
        return EndAsync(cancellationToken);
    }

    public void Dispose() => _json.Dispose();

    private async ValueTask EndAsync(CancellationToken cancellationToken)
    {
        _output.Write("\n\n"u8);
        _ = await _output.FlushAsync(cancellationToken).ConfigureAwait(false);
    }
}
