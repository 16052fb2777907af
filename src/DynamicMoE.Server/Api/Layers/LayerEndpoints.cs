using System.Globalization;
using DynamicMoE.Hosting;
using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary><c>POST /v1/route</c> and <c>POST /v1/forward</c>.</summary>
internal sealed class LayerEndpoints(IInferenceService service, SettingsMonitor settings)
{
    public Task RouteAsync(HttpContext context) => RunAsync(context, forward: false);

    public Task ForwardAsync(HttpContext context) => RunAsync(context, forward: true);

    private async Task RunAsync(HttpContext context, bool forward)
    {
        service.ThrowIfUnavailable();
        CancellationToken gone = context.RequestAborted;
        TensorWire wire = MediaTypes.Wire(context.Request);
        TensorWire answer = MediaTypes.Answer(context.Request, wire);
        ServedModelInfo model = service.Model;
        LayerRules rules = Rules(model, forward);
        LayerInput input = wire switch
        {
            TensorWire.Binary => await BinaryLayerReader.ReadAsync(context.Request, rules, gone).ConfigureAwait(false),
            TensorWire.Json => await JsonLayerReader.ReadAsync(context.Request, rules, gone).ConfigureAwait(false),
            _ => await SafetensorsLayerReader.ReadAsync(context.Request, rules, gone).ConfigureAwait(false),
        };

        // Only an answer says that the values are read no more: a batch that has begun goes on after its caller is gone.
        LayerReply reply = await AskAsync(input, model, forward, gone).ConfigureAwait(false);
        input.Hidden.Return();

        WriteHeaders(context.Response.Headers, reply);
        switch (answer)
        {
            case TensorWire.Binary:
                await BinaryLayerWriter.WriteAsync(context.Response, input, reply, gone).ConfigureAwait(false);
                break;
            case TensorWire.Json:
                await JsonLayerWriter.WriteAsync(context.Response, input, reply, gone).ConfigureAwait(false);
                break;
            default:
                await SafetensorsLayerWriter.WriteAsync(context.Response, input, reply, gone).ConfigureAwait(false);
                break;
        }
    }

    // A request that met an exchange of the model is checked anew, so that what it gets is what it may have there.
    private async Task<LayerReply> AskAsync(LayerInput input, ServedModelInfo model, bool forward, CancellationToken gone)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                LayerRequest request = input.ToRequest(model);
                return await (forward ? service.ForwardAsync(request, gone) : service.RouteAsync(request, gone)).ConfigureAwait(false);
            }
            catch (ModelExchangedException) when (attempt < ModelExchange.MostAttempts)
            {
                model = service.Model;
                Rules(model, forward).Check(input);
            }
        }
    }

    private LayerRules Rules(ServedModelInfo model, bool forward) => new(model, settings.CurrentValue.Serving.MaxRequestTokens, forward);

    private static void WriteHeaders(IHeaderDictionary headers, LayerReply reply)
    {
        headers[ReplyHeaders.MeanExperts] = reply.MeanExpertsPerToken.ToString("0.####", CultureInfo.InvariantCulture);
        headers[ReplyHeaders.BatchTokens] = reply.BatchTokens.ToString(CultureInfo.InvariantCulture);
        headers["Server-Timing"] = string.Create(CultureInfo.InvariantCulture, $"queue;dur={reply.Waited.TotalMilliseconds:0.###}");
        if (reply.ExpertsCeiling is { } ceiling)
        {
            headers[ReplyHeaders.ExpertsCeiling] = ReplyHeaders.Ceiling(ceiling);
        }
    }
}
