using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Hosting.Tests.Serving;

/// <summary>A host with the service, started until its model is loaded.</summary>
internal sealed class ServiceUnderTest : IAsyncDisposable
{
    private readonly IHost _host;

    private ServiceUnderTest(IHost host, ListLogger logger) => (_host, Logger) = (host, logger);

    public ListLogger Logger { get; }

    public IInferenceService Service => _host.Services.GetRequiredService<IInferenceService>();

    public IServiceProvider Services => _host.Services;

    public Task StopAsync() => _host.StopAsync();

    /// <summary>Starts a host over settings.</summary>
    public static Task<ServiceUnderTest> StartAsync(string yaml, Action<DynamicMoEBuilder>? configure = null) =>
        StartAsync(new Sources { Yaml = yaml }.Build(), configure);

    /// <summary>Starts a host over a configuration.</summary>
    public static async Task<ServiceUnderTest> StartAsync(IConfigurationRoot configuration, Action<DynamicMoEBuilder>? configure = null)
    {
        var logger = new ListLogger();
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.AddProvider(logger);
        DynamicMoEBuilder moe = builder.Services.AddDynamicMoE(configuration).AddInferenceService();
        configure?.Invoke(moe);
        IHost host = builder.Build();
        await host.StartAsync();
        var service = new ServiceUnderTest(host, logger);
        try
        {
            await service.Service.WaitUntilReadyAsync();
        }
        catch (ServiceUnavailableException)
        {
            // A test of what cannot be served looks at the state.
        }

        return service;
    }

    /// <summary>Starts a host over a small random checkpoint with 2 MoE layers or more, which generates.</summary>
    public static Task<ServiceUnderTest> StartModelAsync(string path, string yaml = "") =>
        StartAsync(yaml, moe => moe.AddModel(path));

    /// <summary>Writes a small random checkpoint.</summary>
    public static string Checkpoint(TemporaryDirectory folder, ulong seed = 1)
    {
        SyntheticCheckpoint.Create(ReferenceFamily.Mixtral, seed: seed).Save(folder.Path);
        return folder.Path;
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}

/// <summary>Experts that wait at a gate, so that a test decides how long a batch runs.</summary>
internal sealed class GatedExperts : IDisposable
{
    private readonly ManualResetEventSlim _open = new(true);
    private readonly SemaphoreSlim _entered = new(0);

    public DynamicRouter Router { get; } = new(new DynamicRouterOptions
    {
        InputDim = Dim,
        NumExperts = 4,
        MinExperts = 1,
        MaxExperts = 4,
        Strategy = RoutingStrategy.Threshold,
        MeanExpertsBudget = 3,
        LoadBalancing = false,
        ComplexityEstimator = ComplexityEstimators.RouterMargin,
    });

    public const int Dim = 8;

    public MoELayer Layer => field ??= new MoELayer(Router, _ => new Expert(this), 4);

    /// <summary>Batches that run from here on wait.</summary>
    public void Close() => _open.Reset();

    /// <summary>Lets everything pass.</summary>
    public void Open() => _open.Set();

    /// <summary>Waits until a batch waits.</summary>
    public Task EnteredAsync() => _entered.WaitAsync();

    /// <summary>Makes rows of this value fail.</summary>
    public float Poison { get; set; } = float.NaN;

    public static LayerRequest Request(float value = 1, int tokens = 1) => new() { Hidden = Enumerable.Repeat(value, tokens * Dim).ToArray(), Tokens = tokens };

    public void Dispose()
    {
        _open.Set();
        Layer.Dispose();
        Router.Dispose();
        _open.Dispose();
        _entered.Dispose();
    }

    private sealed class Expert(GatedExperts owner) : IExpert
    {
        public void Forward(ReadOnlySpan<float> rows, int count, Span<float> output)
        {
            if (!owner._open.IsSet)
            {
                owner._entered.Release();
                owner._open.Wait();
            }

            rows[..output.Length].CopyTo(output);
            if (output.Contains(owner.Poison))
            {
                output[0] = float.NaN;
            }
        }
    }
}
