using System.Text.Json;
using DynamicMoE.ServiceTests.Support;
using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;

namespace DynamicMoE.ServiceTests.Browser;

/// <summary>Debian's Chromium without a window, at the page of a service.</summary>
internal sealed class Chromium : IDisposable
{
    private readonly ChromeDriverService _service;
    private readonly ChromeDriver _driver;

    public Chromium(Uri page, bool dark, int width = 1280, int height = 1400)
    {
        _service = ChromeDriverService.CreateDefaultService("/usr/bin", "chromedriver");
        _service.SuppressInitialDiagnosticInformation = true;
        var options = new ChromeOptions { BinaryLocation = NeedsFactAttribute.Find("chromium")! };
        // Root, in a container, has no sandbox to start; the page is our own.
        options.AddArguments("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", $"--window-size={width},{height}");
        options.SetLoggingPreference(LogType.Browser, LogLevel.All);
        _driver = new ChromeDriver(_service, options, TimeSpan.FromMinutes(3));
        _driver.ExecuteCdpCommand("Emulation.setEmulatedMedia", new Dictionary<string, object?>
        {
            ["features"] = new object[] { new Dictionary<string, object> { ["name"] = "prefers-color-scheme", ["value"] = dark ? "dark" : "light" } },
        });
        _driver.Navigate().GoToUrl(page);
    }

    /// <summary>What the page told its console at the level of an error.</summary>
    public string[] Errors() => [.. _driver.Manage().Logs.GetLog(LogType.Browser).Where(entry => entry.Level >= LogLevel.Warning).Select(entry => entry.Message)];

    public IWebElement Find(string id) => _driver.FindElement(By.Id(id));

    public string Text(string id) => (string)Run($"return document.getElementById('{id}').textContent")!;

    public object? Run(string script, params object[] arguments) => _driver.ExecuteScript(script, arguments);

    public void Press(string keys) => _driver.SwitchTo().ActiveElement().SendKeys(keys);

    /// <summary>What a tool for accessibility finds wrong, by rule and element.</summary>
    public string[] Violations()
    {
        if (Run("return typeof window.axe") is "undefined")
        {
            _driver.ExecuteScript(new Deque.AxeCore.Commons.BundledAxeScriptProvider().GetScript());
        }

        _driver.Manage().Timeouts().AsynchronousJavaScript = TimeSpan.FromMinutes(2);
        var found = (string)_driver.ExecuteAsyncScript("const done = arguments[0]; axe.run(document).then(r => done(JSON.stringify(r.violations)), e => done(JSON.stringify([{ id: String(e), nodes: [] }])))")!;
        using JsonDocument violations = JsonDocument.Parse(found);
        return [.. violations.RootElement.EnumerateArray().Select(v => $"{v.GetProperty("id")}: {string.Join("; ", v.GetProperty("nodes").EnumerateArray().Select(n => n.GetProperty("html").ToString()))}")];
    }

    /// <summary>The whole page as a picture.</summary>
    public void Photograph(string path)
    {
        var picture = (Dictionary<string, object>)_driver.ExecuteCdpCommand("Page.captureScreenshot", new Dictionary<string, object?> { ["captureBeyondViewport"] = true })!;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, Convert.FromBase64String((string)picture["data"]));
    }

    public void Dispose()
    {
        _driver.Dispose();
        _service.Dispose();
    }
}
