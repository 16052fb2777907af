using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace DynamicMoE.Server;

/// <summary>Reads a JSON object from a body.</summary>
internal static class JsonBody
{
    /// <summary>Levels of a body at most.</summary>
    public const int MaxDepth = 32;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = MaxDepth };

    /// <summary>Reads the body, for <see cref="Parse"/>.</summary>
    /// <exception cref="ProblemException">413 or 415.</exception>
    public static ValueTask<PooledBytes> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        MediaTypes.RequireJson(request);
        return PooledBytes.ReadAsync(request, cancellationToken);
    }

    /// <summary>Reads the body and makes a request of it.</summary>
    /// <param name="request">The request.</param>
    /// <param name="known">Fields of the object.</param>
    /// <param name="strict">Whether others are refused; else they are ignored.</param>
    /// <param name="parse">Makes the request; what it returns holds nothing of the document.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ProblemException">400, 413 or 415.</exception>
    public static async ValueTask<T> ReadAsync<T>(
        HttpRequest request, string[] known, bool strict, Func<JsonFields, T> parse, CancellationToken cancellationToken)
    {
        using PooledBytes bytes = await ReadAsync(request, cancellationToken).ConfigureAwait(false);
        return Parse(bytes.Memory, known, strict, parse);
    }

    /// <summary>The same for a body that may be empty, which counts as an object without fields.</summary>
    public static async ValueTask<T> ReadOptionalAsync<T>(HttpRequest request, string[] known, Func<JsonFields, T> parse, CancellationToken cancellationToken)
    {
        // A page of another origin can post a form, but not this type, without asking first.
        MediaTypes.RequireJson(request);
        using PooledBytes bytes = await PooledBytes.ReadAsync(request, cancellationToken).ConfigureAwait(false);
        return Parse(bytes.Length == 0 ? "{}"u8.ToArray() : bytes.Memory, known, strict: true, parse);
    }

    /// <summary>Runs a parser and turns what JSON itself refuses into a problem.</summary>
    public static Problem? Refused(Exception error) => error switch
    {
        JsonException json => Problems.MalformedJson(Sentence(json), json.LineNumber, json.BytePositionInLine),
        InvalidOperationException => Problems.MalformedJson("A text of the body is not valid UTF-8 or UTF-16."),
        _ => null,
    };

    /// <summary>Makes a request of a body that was read.</summary>
    /// <param name="bytes">The body.</param>
    /// <param name="known">Fields of the object.</param>
    /// <param name="strict">Whether others are refused; else they are ignored.</param>
    /// <param name="parse">Makes the request; what it returns holds nothing of the document.</param>
    /// <exception cref="ProblemException">400.</exception>
    public static T Parse<T>(ReadOnlyMemory<byte> bytes, string[] known, bool strict, Func<JsonFields, T> parse)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes, Options);
            return parse(new JsonFields(document.RootElement, "", known, strict));
        }
        catch (Exception error) when (Refused(error) is not null)
        {
            throw new ProblemException(Refused(error)!);
        }
    }

    // The message ends with the place, which the document has in fields of its own; it may quote the body.
    private static string Sentence(JsonException error)
    {
        int end = error.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return Printable.Cut(end < 0 ? error.Message : error.Message[..end]);
    }
}
