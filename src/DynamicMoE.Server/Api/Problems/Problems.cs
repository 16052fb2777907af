using System.Globalization;

namespace DynamicMoE.Server;

/// <summary>Every problem that the API reports on its own account. A code is never given another meaning.</summary>
internal static class Problems
{
    public static Problem MalformedJson(string detail, long? line = null, long? position = null) =>
        new(400, "malformed_json", "The body is not valid JSON", detail) { Place = line is null ? null : (line.Value + 1, (position ?? 0) + 1) };

    public static Problem MalformedBinary(string field, string detail) => new(400, "malformed_binary", "The binary body breaks its format", detail) { Field = field };

    public static Problem MalformedSafetensors(string detail) => new(400, "malformed_safetensors", "The safetensors body breaks its format", detail);

    public static Problem Invalid(string field, string detail) => new(400, "invalid_value", "A value is outside its range", detail) { Field = field };

    public static Problem TooManyTokens(int most) =>
        new(413, "too_many_tokens", "Too many tokens", $"The request has more than {most} tokens, the most that one may have.") { Field = "hidden" };

    public static Problem Missing(string field) => new(400, "missing_field", "A field is missing", $"{field} is missing.") { Field = field };

    public static Problem Unknown(string field, IEnumerable<string> known) =>
        new(400, "unknown_field", "A field is not known", $"{Printable.Quote(field)} is not one of {string.Join(", ", known)}.") { Field = Printable.Cut(field) };

    public static Problem Duplicate(string field) => new(400, "duplicate_field", "A field occurs twice", $"{field} occurs twice.") { Field = field };

    public static Problem Unsupported(string field, string detail) => new(400, "unsupported_value", "A feature is not supported", detail) { Field = field };

    public static Problem NoChatTemplate(string model) =>
        new(400, "model_has_no_chat_template", "The model has no chat template", $"Model {Printable.Quote(model)} carries no chat template; /v1/completions takes a prompt.");

    public static Problem ChatTemplateFailed(string detail) =>
        new(400, "chat_template_refused", "The chat template refuses these messages", detail) { Field = "messages" };

    public static Problem ChatTemplateUnusable(string detail) =>
        new(500, "chat_template_unusable", "The model's chat template cannot be used", detail);

    public static Problem DoesNotGenerate(string model) =>
        new(400, "model_does_not_generate", "The model generates no text", $"Model {Printable.Quote(model)} is routed only; /v1/route and /v1/forward take tensors.");

    public static Problem LayerOnlyRoutes(int layer) =>
        new(422, "layer_only_routes", "The layer has no experts to run", $"Layer {layer} only routes; /v1/route takes it.") { Field = "layer" };

    public static Problem ModelNotFound(string asked, string served) =>
        new(404, "model_not_found", "The model is not served", $"Model {Printable.Quote(asked)} is not served; {Printable.Quote(served)} is.") { Field = "model" };

    public static Problem NotAcceptable(string accept) =>
        new(406, "not_acceptable", "No answer of an accepted type", $"Accept is {Printable.Quote(accept)}; {MediaTypes.Layer} can be sent.") { Field = "Accept" };

    public static Problem UnsupportedMediaType(string? contentType, string allowed) =>
        new(415, "unsupported_media_type", "The body has another type", $"Content-Type is {Printable.Quote(contentType)}, {allowed} is needed.") { Field = "Content-Type" };

    public static Problem UnsupportedEncoding(string encoding) =>
        new(415, "unsupported_content_encoding", "The body is compressed", $"Content-Encoding is {Printable.Quote(encoding)}, only identity is taken.") { Field = "Content-Encoding" };

    public static Problem BodyTooLarge(long? limit) =>
        new(413, "body_too_large", "The body is too large", limit is { } bytes ? $"The body is above {bytes.ToString(CultureInfo.InvariantCulture)} bytes." : "The body is too large.");

    public static Problem TooManyListeners(int most) =>
        new(429, "too_many_listeners", "Too many listeners", $"{most} listeners follow the figures already.") { RetryAfter = TimeSpan.FromSeconds(5) };

    public static Problem ReloadRefused(string detail) => new(422, "reload_refused", "The model cannot be loaded", detail);

    public static Problem ConfigurationRefused(string detail) => new(422, "configuration_refused", "The configuration is not valid", detail);

    public static Problem Internal(string requestId) =>
        new(500, "internal_error", "The service failed", "The request failed inside the service; its log has the cause.") { RequestId = requestId };
}
