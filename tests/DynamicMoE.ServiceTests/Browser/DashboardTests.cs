using System.Globalization;
using DynamicMoE.ServiceTests.Support;
using OpenQA.Selenium;

namespace DynamicMoE.ServiceTests.Browser;

/// <summary>The page in a browser, at a service that runs.</summary>
[Trait("with", "browser")]
public sealed class DashboardTests(ServedPage page) : IClassFixture<ServedPage>
{
    [NeedsFact("chromium", "chromedriver")]
    public async Task HeatMap_WhenRequestsCome_Changes()
    {
        using Chromium browser = page.Open();
        await LiveAsync(browser);
        browser.Find("heat-switch").Click();
        await Patience.UntilAsync(() => Cells(browser).Length > 0, "the table of the heat map");
        (string picture, string cells, string tiles) = (Picture(browser), Cells(browser), browser.Text("tiles"));

        await Task.WhenAll(Enumerable.Range(0, 4).Select(i => page.Service.CompleteAsync($"public class C{i} {{", i / 3.0)));

        await Patience.UntilAsync(() => Picture(browser) != picture && Cells(browser) != cells && browser.Text("tiles") != tiles, "a changed heat map");
        Assert.Contains("1 expert", browser.Text("histogram"), StringComparison.Ordinal);
        Assert.Contains("layer 3", browser.Text("distinct"), StringComparison.Ordinal);
        Assert.Matches(@"p99.*\d+ m?s", browser.Text("latency-facts"));
        Assert.Contains("running", browser.Text("state"), StringComparison.Ordinal);
        Assert.Contains("4 layers", browser.Text("model"), StringComparison.Ordinal);
        Assert.Empty(browser.Errors());
    }

    [NeedsFact("chromium", "chromedriver")]
    public async Task Slider_WhenMoved_ChangesTheExpertsThatTokensUse()
    {
        using Chromium browser = page.Open();
        await LiveAsync(browser);

        Assert.Equal(1.0, await GenerateAsync(browser, Keys.Home), 6);
        Assert.Equal(40L, browser.Run("return document.querySelectorAll('#list tr').length"));
        Assert.True((bool)browser.Run("return [...document.querySelectorAll('#answer .token')].every(t => t.classList.contains('level-0') && t.title.endsWith('1.00 experts'))")!);
        Assert.Equal(2.0, await GenerateAsync(browser, Keys.End), 6);
        Assert.True((bool)browser.Run("return [...document.querySelectorAll('#answer .token')].every(t => t.classList.contains('level-4') && t.title.endsWith('2.00 experts'))")!);
        Assert.Empty(browser.Errors());
    }

    [NeedsFact("chromium", "chromedriver")]
    public async Task Stop_WhenPressed_EndsTheTextAndFreesTheForm()
    {
        using Chromium browser = page.Open();
        await LiveAsync(browser);
        Fill(browser, "most", "400");
        browser.Find("send").Click();
        await Patience.UntilAsync(() => Tokens(browser) > 0, "the first token");
        browser.Run("document.getElementById('stop').click()");

        await Patience.UntilAsync(() => browser.Find("send").Enabled, "a form that can be sent");
        Assert.True(Tokens(browser) > 0);
        Assert.Empty(browser.Errors());
    }

    [NeedsFact("chromium", "chromedriver")]
    public Task Page_WhenScannedInLight_HasNoViolation() => ScanAsync(dark: false);

    [NeedsFact("chromium", "chromedriver")]
    public Task Page_WhenScannedInDark_HasNoViolation() => ScanAsync(dark: true);

    [NeedsFact("chromium", "chromedriver")]
    public async Task Controls_WhenWalkedByTab_AreAllReached()
    {
        using Chromium browser = page.Open();
        await LiveAsync(browser);
        browser.Run("document.activeElement.blur()");
        var reached = new List<string>();
        for (int i = 0; i < 40; i++)
        {
            browser.Press(Keys.Tab);
            var here = (string)browser.Run("const e = document.activeElement; return e.id || e.className || e.name || e.tagName")!;
            Assert.True(here == "BODY" || (bool)browser.Run("return getComputedStyle(document.activeElement).outlineStyle !== 'none'")!, $"{here} does not show the focus");
            reached.Add(here);
        }

        string[] controls = ["skip", "pause", "window", "heat-switch", "prompt", "dial", "quality", "most", "temperature", "send", "answer"];
        Assert.Equal([], controls.Except(reached));
        // In the order of the page.
        Assert.Equal(controls, reached.Distinct().Intersect(controls));
        Assert.Equal(0L, browser.Run("return document.querySelectorAll('[tabindex]:not([tabindex=\"0\"]):not([tabindex=\"-1\"])').length"));
    }

    [NeedsFact("chromium", "chromedriver")]
    public async Task Page_WhenItIsNarrow_DoesNotScrollSideways()
    {
        using Chromium browser = page.Open(width: 500);
        await LiveAsync(browser);
        Assert.True((bool)browser.Run("return document.documentElement.scrollWidth <= innerWidth")!);
    }

    private async Task ScanAsync(bool dark)
    {
        using Chromium browser = page.Open(dark);
        await LiveAsync(browser);
        await page.Service.CompleteAsync("// A class", 0.5);
        browser.Find("heat-switch").Click();
        Fill(browser, "most", "100");
        browser.Find("send").Click();
        await Patience.UntilAsync(() => Tokens(browser) == 100 && browser.Find("send").Enabled, "a generated text");
        Assert.Equal(dark ? "rgb(15, 19, 26)" : "rgb(243, 245, 248)", browser.Run("return getComputedStyle(document.body).backgroundColor"));
        Assert.Equal([], browser.Violations());
        Assert.Empty(browser.Errors());
        browser.Run("if (!document.getElementById('heat-table').hidden) document.getElementById('heat-switch').click(); document.activeElement.blur(); scrollTo(0, 0)");
        browser.Photograph(Repository.At($"artifacts/dashboard/{(dark ? "dark" : "light")}.png"));
    }

    private static Task LiveAsync(Chromium browser) =>
        Patience.UntilAsync(() => browser.Text("link") == "live" && browser.Text("model").Contains("experts", StringComparison.Ordinal), "a live page");

    private static async Task<double> GenerateAsync(Chromium browser, string key)
    {
        Fill(browser, "most", "40");
        browser.Find("quality").SendKeys(key);
        browser.Find("send").Click();
        await Patience.UntilAsync(() => Tokens(browser) == 40 && browser.Find("send").Enabled, "40 tokens");
        return double.Parse((string)browser.Run("return document.getElementById('answer-facts').dataset.mean")!, CultureInfo.InvariantCulture);
    }

    private static void Fill(Chromium browser, string id, string text)
    {
        IWebElement box = browser.Find(id);
        box.Clear();
        box.SendKeys(text);
    }

    private static long Tokens(Chromium browser) => (long)browser.Run("return document.querySelectorAll('#list tr').length")!;

    private static string Cells(Chromium browser) => (string)browser.Run("return document.querySelector('#heat-table tbody')?.textContent ?? ''")!;

    private static string Picture(Chromium browser) => (string)browser.Run("return document.getElementById('heat').toDataURL()")!;
}
