using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace DynamicMoE.Server;

/// <summary>What a request must look like before anything reads its body.</summary>
internal static class RequestRules
{
    /// <summary>Why a request is refused, or null.</summary>
    public static Refusal? Check(HttpRequest request, long maxBytes)
    {
        // Nothing is decompressed here, so that a small body stays small.
        StringValues encoding = request.Headers.ContentEncoding;
        if (encoding.Count > 0 && encoding is not [""] && !(encoding is [{ } one] && one.Equals("identity", StringComparison.OrdinalIgnoreCase)))
        {
            return Refusal.Compressed;
        }

        return request.ContentLength > maxBytes ? Refusal.TooLarge(maxBytes) : null;
    }
}
