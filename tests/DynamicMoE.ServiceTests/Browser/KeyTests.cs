using DynamicMoE.Server;
using DynamicMoE.ServiceTests.Support;
using DynamicMoE.TestKit.Checkpoints;

namespace DynamicMoE.ServiceTests.Browser;

/// <summary>The page at a service that wants a key.</summary>
[Trait("with", "browser")]
public sealed class KeyTests
{
    [NeedsFact("chromium", "chromedriver")]
    public async Task Page_WhenAKeyIsNeeded_AsksForItAndGoesOn()
    {
        using var folder = new TemporaryDirectory();
        string key = ApiKeyText.Create();
        await File.WriteAllTextAsync(folder["keys"], ApiKeyText.Line("alice", key) + "\n");
        await using Service service = await Service.StartAsync("router.input_dim=8", "router.num_experts=4", "security.api_key_required=true", $"security.api_keys_file={folder["keys"]}");
        using var browser = new Chromium(service.Addresses.Api, dark: false);
        await Patience.UntilAsync(() => (bool)browser.Run("return document.getElementById('key-box').open")!, "the box for the key");
        Assert.Equal([], browser.Violations());

        browser.Find("key").SendKeys("wrong");
        browser.Find("key-form").Submit();
        await Patience.UntilAsync(() => browser.Text("key-why").Contains("not among", StringComparison.Ordinal), "a refused key");
        browser.Find("key").SendKeys(key);
        browser.Find("key-form").Submit();
        await Patience.UntilAsync(() => browser.Text("link") == "live", "a live page");
        Assert.False((bool)browser.Run("return document.getElementById('key-box').open")!);
        Assert.Equal(0L, browser.Run("return localStorage.length + document.cookie.length"));
    }
}
