using DynamicMoE.Models;

namespace DynamicMoE.Hosting.Tests.Serving;

public sealed class ChatTemplateCacheTests
{
    [Fact]
    public void Cache_WhenTheSourceIsTheSame_KeepsTheTemplate()
    {
        var cache = new ChatTemplateCache();
        ChatTemplate first = cache.Get("a");
        Assert.Same(first, cache.Get("a"));
        Assert.NotSame(first, cache.Get("b"));
    }
}
