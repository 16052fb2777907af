using System.Text;
using System.Text.Json;
using DynamicMoE.Hosting;
using DynamicMoE.Models;

namespace DynamicMoE.Server;

/// <summary>Reads the body of <c>/v1/chat/completions</c>.</summary>
internal static class ChatReader
{
    /// <summary>Fields of the body; others are ignored, as clients of OpenAI's API expect.</summary>
    public static readonly string[] Fields =
        [.. SamplingFields.Fields, "messages", "max_tokens", "max_completion_tokens", "tools", "tool_choice", "response_format", "logprobs"];

    /// <summary>Tokens of an answer whose length was not given: this, or a quarter of the positions where there are few.</summary>
    public const int DefaultMaxTokens = 256;

    private const int MaxMessages = 1024, MaxNameCharacters = 256;

    private static readonly string[] MessageFields = ["role", "content", "name"], PartFields = ["type", "text"];

    private static readonly string[] Roles = ["system", "developer", "user", "assistant", "tool"];

    public static CompletionInput Read(JsonFields fields, ServedModelInfo model, Func<string, ChatTemplate> templates)
    {
        SamplingFields.CheckModel(fields, model);
        if (model.ChatTemplate is not { } source)
        {
            throw new ProblemException(Problems.NoChatTemplate(model.Name));
        }

        SamplingFields.Neutral(fields, "tools", v => v.ValueKind == JsonValueKind.Array && v.GetArrayLength() == 0, "[]");
        SamplingFields.Neutral(fields, "tool_choice", v => v.ValueKind == JsonValueKind.String && (v.ValueEquals("none") || v.ValueEquals("auto")), "none or auto");
        SamplingFields.Neutral(fields, "response_format", IsTextFormat, "{\"type\":\"text\"}");
        SamplingFields.Neutral(fields, "logprobs", v => v.ValueKind == JsonValueKind.False, "false");
        long? older = fields.Integer("max_tokens", 1, model.MaxPositions), newer = fields.Integer("max_completion_tokens", 1, model.MaxPositions);
        Expect.Valid(older is null || newer is null || older == newer, "max_tokens", "max_tokens and max_completion_tokens differ.");
        long? asked = newer ?? older;
        int maxTokens = (int)(asked ?? Math.Clamp(model.MaxPositions / 4, 1, DefaultMaxTokens));
        string prompt = Render(templates, source, Messages(fields, model), model);
        Expect.Valid(prompt.Length > 0, "messages", "messages give an empty prompt.");
        return SamplingFields.Read(fields, model, prompt, [], maxTokens, cutToFit: asked is null);
    }

    private static string Render(Func<string, ChatTemplate> templates, string source, List<ChatTurn> messages, ServedModelInfo model)
    {
        try
        {
            return templates(source).Render(messages, model.BosToken ?? "", model.EosToken ?? "");
        }
        catch (TemplateException error)
        {
            string detail = Printable.Cut(error.Message);
            throw new ProblemException(error.Raised ? Problems.ChatTemplateFailed(detail) : Problems.ChatTemplateUnusable(detail), error);
        }
    }

    private static List<ChatTurn> Messages(JsonFields fields, ServedModelInfo model)
    {
        JsonElement list = fields.Raw("messages") ?? throw new ProblemException(Problems.Missing("messages"));
        JsonFields.Require(list, "messages", JsonValueKind.Array, "an array of messages");
        int count = list.GetArrayLength();
        Expect.Valid(count is >= 1 and <= MaxMessages, "messages", $"messages has {count} messages, between 1 and {MaxMessages} are allowed.");
        long left = (long)model.MaxPositions * CompletionReader.CharactersPerPosition;
        var turns = new List<ChatTurn>(count);
        foreach (JsonElement message in list.EnumerateArray())
        {
            var read = new JsonFields(message, $"messages[{turns.Count}]", MessageFields, strict: false);
            string role = read.Text("role", 1, MaxNameCharacters) ?? throw new ProblemException(Problems.Missing(read.Path("role")));
            Expect.Valid(Array.IndexOf(Roles, role) >= 0, read.Path("role"), $"{read.Path("role")} is {Printable.Quote(role)}, one of {string.Join(", ", Roles)} is needed.");
            string content = Content(read);
            left -= content.Length;
            Expect.Valid(left >= 0, "messages", $"messages have more than {(long)model.MaxPositions * CompletionReader.CharactersPerPosition} characters.");
            turns.Add(new ChatTurn(role, content, read.Text("name", 1, MaxNameCharacters)));
        }

        return turns;
    }

    private static string Content(JsonFields message)
    {
        string path = message.Path("content");
        JsonElement content = message.Raw("content") ?? throw new ProblemException(Problems.Missing(path));
        if (content.ValueKind == JsonValueKind.String)
        {
            return JsonFields.Text(content, path, 0, int.MaxValue);
        }

        JsonFields.Require(content, path, JsonValueKind.Array, "a text or an array of parts");
        var text = new StringBuilder();
        int i = 0;
        foreach (JsonElement element in content.EnumerateArray())
        {
            var part = new JsonFields(element, $"{path}[{i++}]", PartFields, strict: false);
            string? type = part.Text("type", 0, MaxNameCharacters);
            if (type != "text")
            {
                throw new ProblemException(Problems.Unsupported(part.Path("type"), $"{part.Path("type")} is {Printable.Quote(type)}, only 'text' is supported."));
            }

            _ = text.Append(part.Text("text", 0, int.MaxValue) ?? throw new ProblemException(Problems.Missing(part.Path("text"))));
        }

        return text.ToString();
    }

    private static bool IsTextFormat(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty("type", out JsonElement type) && type.ValueKind == JsonValueKind.String && type.ValueEquals("text");
}
