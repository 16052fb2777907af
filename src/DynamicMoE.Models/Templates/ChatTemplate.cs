using System.Text;

namespace DynamicMoE.Models;

/// <summary>A message of a chat.</summary>
/// <param name="Role">Who says it.</param>
/// <param name="Content">What is said.</param>
/// <param name="Name">Name of who says it; null: none.</param>
public sealed record ChatTurn(string Role, string Content, string? Name = null);

/// <summary>The chat template of a checkpoint: makes a prompt of messages. May be used by many threads at once.</summary>
public sealed class ChatTemplate
{
    private const int MaxSourceCharacters = 1 << 20;

    private readonly Run _run;
    private readonly TimeProvider _time;

    /// <summary>Reads a template.</summary>
    /// <param name="source">The template, in the part of Jinja that checkpoints use.</param>
    /// <param name="time">What <c>strftime_now</c> asks; null: the system's.</param>
    /// <exception cref="TemplateException">The template uses what is not supported, or breaks the grammar.</exception>
    public ChatTemplate(string source, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _run = source.Length <= MaxSourceCharacters
            ? TemplateParser.Parse(source)
            : throw new TemplateException($"the chat template has {source.Length} characters, at most {MaxSourceCharacters} are taken.");
    }

    /// <summary>Renders messages, with the begin of the assistant's answer behind them.</summary>
    /// <param name="messages">In their order.</param>
    /// <param name="bosToken">Text of the token that begins a sequence; empty: none.</param>
    /// <param name="eosToken">Text of the token that ends one; empty: none.</param>
    /// <returns>The prompt.</returns>
    /// <exception cref="TemplateException">The template refuses the messages, or does what no value of theirs allows.</exception>
    public string Render(IEnumerable<ChatTurn> messages, string bosToken, string eosToken)
    {
        var output = new StringBuilder();
        var scope = new TemplateScope(output, new RenderLimits());
        TemplateFunctions.AddTo(scope, _time);
        scope["messages"] = messages.Select(Message).ToList();
        scope["add_generation_prompt"] = true;
        scope["bos_token"] = bosToken;
        scope["eos_token"] = eosToken;
        _ = _run(scope);
        return output.ToString();
    }

    private static object? Message(ChatTurn turn)
    {
        var fields = new Dictionary<string, object?>(StringComparer.Ordinal) { ["role"] = turn.Role, ["content"] = turn.Content };
        if (turn.Name is not null)
        {
            fields["name"] = turn.Name;
        }

        return fields;
    }
}
