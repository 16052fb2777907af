using DynamicMoE.Hosting.Generation;
using DynamicMoE.Hosting.Layers;
using DynamicMoE.Models;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Hosting.Loading;

/// <summary>Makes what is served: the model at a path, else the registered one, else the registered layer, else the router of the settings.</summary>
internal sealed class ModelLoader(IServiceProvider services, SettingsMonitor monitor, TimeProvider time)
{
    /// <summary>Loads.</summary>
    /// <param name="path">Folder of a checkpoint or packed file; null: that of the settings, else what is registered.</param>
    /// <exception cref="DynamicMoEException">It cannot be loaded.</exception>
    public ServedModel Load(string? path)
    {
        path ??= monitor.CurrentValue.Serving.Model;
        if (path is not null)
        {
            return Serve(new ModelSource(NameOf(path), path, options => MoEModel.Load(path, options)));
        }

        return services.GetService<ModelSource>() is { } source ? Serve(source) : ServeRouter();
    }

    private static string NameOf(string path) => Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(path));

    private ServedModel Serve(ModelSource source)
    {
        DynamicMoESettings settings = monitor.CurrentValue;
        ILoggerFactory? logs = services.GetService<ILoggerFactory>();
        if (settings.Runtime.CudaDriver is { } driver)
        {
            NativeLibraryOptions.CudaDriverPath = driver;
        }

        MoEModel model = source.Load(new ModelLoadOptions
        {
            WeightFormat = settings.Serving.WeightFormat,
            MaxTokens = Math.Min(settings.Serving.MaxBatchTokens, 4096),

            // Hidden states come from callers: values so large that an expert's output overflows must not take the expert from everyone else.
            ExpertFaults = ExpertFaultPolicy.Fail,
            Device = settings.Runtime.Device,
            FallBackToCpu = settings.Runtime.CpuFallback,
            Logger = logs?.CreateLogger(typeof(MoEModel).FullName!),
            TimeProvider = time,
        });
        ShadowGuardrail? guardrail = null;
        try
        {
            guardrail = Guardrail(settings);
            model.PatchDynamicRouting(Routing(settings, guardrail));
            ServedLayer[] layers = [.. model.MoELayers.Select((block, index) => Layer(index, block))];
            IDisposable subscription = monitor.Follow(settings, now => Follow(model, now));
            return new ServedModel(Describe(source.Name, model, layers, settings), layers, model, model.Arbiter, [subscription, .. layers, guardrail, model])
            {
                Path = source.Path,
                Guardrail = guardrail,
            };
        }
        catch
        {
            guardrail?.Dispose();
            model.Dispose();
            throw;
        }
    }

    // Budget and cap of the settings; the rest is what a loaded model is best served with (DESIGN.md 5).
    private static DynamicRoutingOptions Routing(DynamicMoESettings settings, ShadowGuardrail? guardrail) => new()
    {
        MeanExpertsPerToken = settings.Router.MeanExpertsBudget,
        MaxDistinctExperts = settings.Router.MaxDistinctExperts,
        MinExperts = settings.Router.MinExperts,
        Guardrail = guardrail,
    };

    // Of the settings that change while it runs only the budget concerns it.
    private static void Follow(MoEModel model, DynamicMoESettings settings)
    {
        if (model.Arbiter is { } arbiter && settings.Router.MeanExpertsBudget is double budget && budget >= arbiter.MinExperts && budget <= arbiter.MaxExperts)
        {
            arbiter.Budget = budget;
        }
    }

    private ShadowGuardrail? Guardrail(DynamicMoESettings settings) => settings.Serving.GuardrailRate == 0 ? null : new ShadowGuardrail(new GuardrailOptions
    {
        SampleRate = settings.Serving.GuardrailRate,
        Logger = services.GetService<ILoggerFactory>()?.CreateLogger(typeof(ShadowGuardrail).FullName!),
    });

    private ServedLayer Layer(int index, MoEBlock block) =>
        new(index, block.Router, owned => RouterComposition.Compose(block.Router, services, ServedLayer.NameOf(index), owned), block.CreateLayer);

    private ServedModelInfo Describe(string name, MoEModel model, ServedLayer[] layers, DynamicMoESettings settings) => new()
    {
        Name = name,
        Loaded = time.GetUtcNow(),
        Family = model.Config.ModelType,
        Format = model.WeightFormat,
        Hash = model.Hash,
        Layers = [.. layers.Select(layer => layer.Info)],
        Generates = true,
        MaxPositions = Math.Min(SequenceMemory.MostPositions(model.Config, SequenceMemory.Allowed(settings.Serving)), settings.Serving.MaxPositions ?? int.MaxValue),
        ChatTemplate = model.ChatTemplate,
        BosToken = model.BosToken,
        EosToken = model.EosToken,
    };

    // Router and layer belong to the container, which disposes of them.
    private ServedModel ServeRouter()
    {
        MoELayer? layer = services.GetService<MoELayer>();
        IRouter router = layer?.Router ?? services.GetRequiredService<IRouter>();
        DynamicRouter core = RouterChain.Dynamic(router)
            ?? throw new RouterConfigurationException($"The registered layer's router is a {router.GetType().Name}; a DynamicRouter must be at its core.");
        var served = new ServedLayer(0, core, _ => router, layer is null ? null : _ => layer, ownsComposition: false);
        var info = new ServedModelInfo { Name = layer is null ? "router" : "layer", Loaded = time.GetUtcNow(), Layers = [served.Info], Generates = false };
        return new ServedModel(info, [served], null, core.Arbiter);
    }
}
