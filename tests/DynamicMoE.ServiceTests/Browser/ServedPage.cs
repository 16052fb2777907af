using DynamicMoE.ServiceTests.Support;

namespace DynamicMoE.ServiceTests.Browser;

/// <summary>One service with TinyMoE for the tests of the page.</summary>
public sealed class ServedPage : IAsyncLifetime
{
    internal Service Service { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        if (NeedsFactAttribute.Find("chromium") is not null)
        {
            Service = await Service.StartAsync($"serving.model={Repository.TinyMoE}");
        }
    }

    public async Task DisposeAsync()
    {
        if (Service is not null)
        {
            await Service.DisposeAsync();
        }
    }

    internal Chromium Open(bool dark = false, int width = 1280) => new(Service.Addresses.Api, dark, width);
}
