using DynamicMoE.Models;

namespace DynamicMoE.Hosting;

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
