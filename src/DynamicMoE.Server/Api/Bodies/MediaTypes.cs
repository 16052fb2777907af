using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace DynamicMoE.Server;

/// <summary>How tensors are written in a body.</summary>
internal enum TensorWire
{
    Json,
    Binary,
    Safetensors,
}

/// <summary>Media types, and what a request says about them.</summary>
internal static class MediaTypes
{
    public const string Json = "application/json";
    public const string Binary = "application/octet-stream";
    public const string Safetensors = "application/vnd.safetensors";
    public const string OtherSafetensors = "application/x-safetensors";
    public const string EventStream = "text/event-stream";

    /// <summary>What route and forward take and send.</summary>
    public const string Layer = $"{Json}, {Binary} or {Safetensors}";

    /// <summary>How the body of a route or forward is written.</summary>
    /// <exception cref="ProblemException">415.</exception>
    public static TensorWire Wire(HttpRequest request)
    {
        RequireIdentity(request);
        string? type = request.ContentType;

        // The type as programs send it needs no parser.
        return type switch
        {
            Binary => TensorWire.Binary,
            Json => TensorWire.Json,
            _ => Parse(type) ?? throw new ProblemException(Problems.UnsupportedMediaType(type, Layer)),
        };
    }

    /// <summary>Refuses a body that is not JSON in UTF-8.</summary>
    /// <exception cref="ProblemException">415.</exception>
    public static void RequireJson(HttpRequest request)
    {
        RequireIdentity(request);
        if (request.ContentType != Json && Parse(request.ContentType) != TensorWire.Json)
        {
            throw new ProblemException(Problems.UnsupportedMediaType(request.ContentType, Json));
        }
    }

    /// <summary>How the answer of a route or forward is written: as the request was, unless Accept says another way.</summary>
    /// <exception cref="ProblemException">406.</exception>
    public static TensorWire Answer(HttpRequest request, TensorWire asked)
    {
        StringValues accept = request.Headers.Accept;
        if (accept.Count == 0 || (accept.Count == 1 && accept[0] is "*/*" or ""))
        {
            return asked;
        }

        if (!MediaTypeHeaderValue.TryParseList(accept, out IList<MediaTypeHeaderValue>? ranges))
        {
            throw new ProblemException(Problems.NotAcceptable(accept.ToString()));
        }

        TensorWire? best = null;
        double quality = 0;
        foreach (MediaTypeHeaderValue range in ranges)
        {
            double q = range.Quality ?? 1;
            if (q > quality && Match(range, asked) is { } wire)
            {
                (best, quality) = (wire, q);
            }
        }

        return best ?? throw new ProblemException(Problems.NotAcceptable(accept.ToString()));
    }

    /// <summary>The name of a way to write tensors.</summary>
    public static string Name(TensorWire wire) => wire switch
    {
        TensorWire.Json => Json,
        TensorWire.Binary => Binary,
        _ => Safetensors,
    };

    private static TensorWire? Match(MediaTypeHeaderValue range, TensorWire asked)
    {
        if (range.MatchesAllTypes || (range.MatchesAllSubTypes && range.Type.Equals("application", StringComparison.OrdinalIgnoreCase)))
        {
            return asked;
        }

        return Known(range.MediaType);
    }

    private static TensorWire? Parse(string? contentType)
    {
        if (!MediaTypeHeaderValue.TryParse(contentType, out MediaTypeHeaderValue? type))
        {
            return null;
        }

        TensorWire? wire = Known(type.MediaType);
        bool otherText = wire == TensorWire.Json && type.Charset.HasValue && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase);
        return otherText ? null : wire;
    }

    private static TensorWire? Known(StringSegment type) =>
        type.Equals(Json, StringComparison.OrdinalIgnoreCase) ? TensorWire.Json
        : type.Equals(Binary, StringComparison.OrdinalIgnoreCase) ? TensorWire.Binary
        : type.Equals(Safetensors, StringComparison.OrdinalIgnoreCase) || type.Equals(OtherSafetensors, StringComparison.OrdinalIgnoreCase) ? TensorWire.Safetensors
        : null;

    // A compressed body would be checked for its size only after it has grown.
    private static void RequireIdentity(HttpRequest request)
    {
        StringValues encoding = request.Headers.ContentEncoding;
        if (encoding.Count > 0 && !(encoding.Count == 1 && string.Equals(encoding[0], "identity", StringComparison.OrdinalIgnoreCase)))
        {
            throw new ProblemException(Problems.UnsupportedEncoding(encoding.ToString()));
        }
    }
}
