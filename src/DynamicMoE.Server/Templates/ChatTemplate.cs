using System.Text;

namespace DynamicMoE.Server;

/// <summary>A message of a chat.</summary>
/// <param name="Role">Who says it.</param>
/// <param name="Content">What is said.</param>
/// <param name="Name">Name of who says it; null: none.</param>
internal sealed record ChatTurn(string Role, string Content, string? Name = null);

/// <summary>The chat template of a checkpoint: makes a prompt of messages. May be used by many threads at once.</summary>
internal sealed class ChatTemplate
{
    private const int MaxSourceCharacters = 1 << 20;

    private readonly Run _run;
    private readonly TimeProvider _time;

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

/// <summary>Keeps the template of the model that is served, parsed.</summary>
internal sealed class ChatTemplateCache
{
    private (string Source, ChatTemplate Template)? _last;
    private readonly Lock _gate = new();

    public ChatTemplate Get(string source)
    {
        lock (_gate)
        {
            if (_last is not { } last || last.Source != source)
            {
                last = (source, new ChatTemplate(source));
                _last = last;
            }

            return last.Template;
        }
    }
}
