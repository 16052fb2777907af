using System.Globalization;

namespace DynamicMoE.Hosting.Layers;

/// <summary>A layer that is served: its router with all that is around it, and its experts if they run here. One batch at a time.</summary>
internal sealed class ServedLayer : IDisposable
{
    private readonly Lazy<(IRouter Router, MoELayer? Layer)> _parts;
    private readonly bool _ownsParts;
    private readonly List<IDisposable> _owned = [];
    private readonly RoutingContext _context = new();
    private RoutingBuffers? _routing;
    private RoutingBuffers? _routingWithLogits;
    private RoutingBuffers? _lastRouting;
    private float[] _hidden = [];
    private float[] _output = [];
    private float[] _quality = [];

    /// <param name="index">Place among the layers with experts.</param>
    /// <param name="core">The router inside.</param>
    /// <param name="compose">Puts around it what the settings ask for; called when the first request comes, since sequences do not need it. What it adds to the list is disposed with the layer.</param>
    /// <param name="createLayer">Makes a layer of that router and the experts; null: it only routes.</param>
    /// <param name="ownsComposition">Whether what the two functions make is disposed with it.</param>
    public ServedLayer(int index, DynamicRouter core, Func<List<IDisposable>, IRouter> compose, Func<IRouter, MoELayer>? createLayer, bool ownsComposition = true)
    {
        (Core, _ownsParts) = (core, ownsComposition);

        // A failure is not kept: what was wrong, memory that was short or a callback of the host's, may be right for the next request.
        _parts = new(() => Make(compose, createLayer), LazyThreadSafetyMode.PublicationOnly);
        Info = new ServedLayerInfo(
            index, core.InputDim, core.NumExperts, core.MinExperts, core.MaxExperts, core.TrainedExperts, Forwards: createLayer is not null);
    }

    public ServedLayerInfo Info { get; }

    /// <summary>Name of a layer in metrics and alerts.</summary>
    public static string NameOf(int index) => string.Create(CultureInfo.InvariantCulture, $"layer.{index}");

    public DynamicRouter Core { get; }

    /// <summary>The routing cache, or null: none, or no request has come yet.</summary>
    public CachedRouter? Cache => Wrapper<CachedRouter>();

    /// <summary>What watches the router, or null: nothing, or no request has come yet.</summary>
    public MonitoredRouter? Monitor => Wrapper<MonitoredRouter>();

    /// <summary>Whether requests may have a budget of their own.</summary>
    public bool HasDial => Core.Controller is not null;

    /// <summary>The quality that asks for a mean of so many experts per token.</summary>
    public float Dial(double budget) =>
        Info.TrainedExperts == Info.MinExperts ? 1 : (float)((budget - Info.MinExperts) / (Info.TrainedExperts - Info.MinExperts));

    /// <summary>Runs a batch and answers it.</summary>
    /// <param name="batch">Items of this layer that have begun; of one kind.</param>
    /// <param name="waited">Time from each item's acceptance to now.</param>
    /// <param name="ceiling">What overload imposes at this moment, or null.</param>
    /// <param name="answered">Told of each item that was answered, before its caller is.</param>
    /// <exception cref="DynamicMoEException">The batch failed as a whole; nobody was answered.</exception>
    public RoutingReport Run(List<LayerWork> batch, Func<LayerWork, TimeSpan> waited, double? ceiling, Action<LayerWork> answered)
    {
        int tokens = batch.Sum(item => item.Tokens), dim = Info.HiddenSize;
        Span<float> hidden = Grown(ref _hidden, (long)tokens * dim);
        bool dial = Gather(batch, hidden, tokens);
        _context.Quality = dial ? _quality.AsMemory(0, tokens) : default;
        RoutingContext? context = dial ? _context : null;
        RoutingBuffers routing = Buffers(tokens, batch.Exists(item => item.Request.IncludeLogits && !item.Forward));
        bool forward = batch[0].Forward;
        Span<float> output = forward ? Grown(ref _output, (long)tokens * dim) : [];
        RoutingReport report = forward
            ? _parts.Value.Layer!.Forward(hidden, tokens, output, routing, context)
            : _parts.Value.Router.Route(hidden, tokens, routing, context);
        int first = 0;
        foreach (LayerWork item in batch)
        {
            if (item.TryDeliver())
            {
                Deliver(item, first, output, routing, tokens, waited(item), ceiling, answered);
            }

            first += item.Tokens;
        }

        return report;
    }

    /// <summary>Counts what the last batch did.</summary>
    public void Tell(ModelFigures figures, in RoutingReport report)
    {
        figures.Routed(Info.Index, report);
        figures.Used(_lastRouting!.ExpertsPerToken.AsSpan(0, (int)report.Tokens));
    }

    /// <summary>Empties the routing cache.</summary>
    /// <returns>Rows dropped.</returns>
    public int ClearCache()
    {
        if (Cache is not { } cache)
        {
            return 0;
        }

        int rows = cache.GetCacheStats().Size;
        cache.ClearCache();
        return rows;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsParts && _parts.IsValueCreated)
        {
            Free(_parts.Value.Router, _parts.Value.Layer);
        }
    }

    private (IRouter Router, MoELayer? Layer) Make(Func<List<IDisposable>, IRouter> compose, Func<IRouter, MoELayer>? createLayer)
    {
        IRouter? router = null;
        try
        {
            router = compose(_owned);
            return (router, createLayer?.Invoke(router));
        }
        catch when (_ownsParts)
        {
            Free(router, null);
            throw;
        }
    }

    private void Free(IRouter? router, MoELayer? layer)
    {
        _owned.ForEach(part => part.Dispose());
        _owned.Clear();
        layer?.Dispose();
        foreach (RouterWrapper wrapper in router is null ? [] : RouterChain.Wrappers(router))
        {
            (wrapper as IDisposable)?.Dispose();
        }
    }

    // An item whose answer cannot be written, for want of memory, is not answered: it can fail like any other.
    private static void Deliver(
        LayerWork item, int first, ReadOnlySpan<float> output, RoutingBuffers routing, int tokens, TimeSpan waited, double? ceiling, Action<LayerWork> answered)
    {
        LayerReply reply;
        try
        {
            reply = Reply(item, first, output, routing, tokens, waited, ceiling);
        }
        catch
        {
            item.Continue();
            throw;
        }

        answered(item);
        item.Complete(reply);
    }

    private T? Wrapper<T>()
        where T : class =>
        _parts.IsValueCreated ? Array.Find(RouterChain.Wrappers(_parts.Value.Router), wrapper => wrapper is T) as T : null;

    private bool Gather(List<LayerWork> batch, Span<float> hidden, int tokens)
    {
        if (_quality.Length < tokens)
        {
            _quality = new float[tokens];
        }

        bool dial = false;
        int first = 0;
        foreach (LayerWork item in batch)
        {
            item.Request.Hidden.Span[..(item.Tokens * Info.HiddenSize)].CopyTo(hidden[(first * Info.HiddenSize)..]);
            _quality.AsSpan(first, item.Tokens).Fill(item.Quality);
            dial |= !float.IsNaN(item.Quality);
            first += item.Tokens;
        }

        return dial;
    }

    private static LayerReply Reply(
        LayerWork item, int first, ReadOnlySpan<float> output, RoutingBuffers routing, int batchTokens, TimeSpan waited, double? ceiling)
    {
        LayerRequest request = item.Request;
        int tokens = item.Tokens, dim = item.Layer.Info.HiddenSize, slots = routing.Slots;
        float[] result = [];
        if (item.Forward)
        {
            ReadOnlySpan<float> own = output.Slice(first * dim, tokens * dim);
            if (request.OutputBuffer.IsEmpty)
            {
                result = own.ToArray();
            }
            else
            {
                own.CopyTo(request.OutputBuffer.Span);
            }
        }

        bool wanted = !item.Forward || request.IncludeRouting;
        ReadOnlySpan<int> counts = routing.ExpertsPerToken.AsSpan(first, tokens);
        long sum = 0;
        foreach (int count in counts)
        {
            sum += count;
        }

        int experts = routing.NumExperts;
        return new LayerReply
        {
            Tokens = tokens,
            Output = result,
            Slots = wanted ? slots : 0,
            ExpertIndices = wanted ? routing.ExpertIndices.AsSpan(first * slots, tokens * slots).ToArray() : [],
            ExpertWeights = wanted ? routing.ExpertWeights.AsSpan(first * slots, tokens * slots).ToArray() : [],
            ExpertsPerToken = wanted ? counts.ToArray() : [],
            ComplexityScores = wanted ? routing.ComplexityScores.AsSpan(first, tokens).ToArray() : [],
            RouterLogits = wanted && request.IncludeLogits && routing.HasLogits
                ? routing.RouterLogits.AsSpan(first * experts, tokens * experts).ToArray() : [],
            MeanExpertsPerToken = (double)sum / tokens,
            BatchTokens = batchTokens,
            ExpertsCeiling = ceiling,
            Waited = waited,
        };
    }

    private RoutingBuffers Buffers(int tokens, bool withLogits)
    {
        ref RoutingBuffers? buffers = ref withLogits ? ref _routingWithLogits : ref _routing;
        if (buffers is null || buffers.MaxTokens < tokens)
        {
            buffers = new RoutingBuffers(Math.Max(tokens, 2 * (buffers?.MaxTokens ?? 0)), Info.MaxExperts, Info.Experts, withLogits);
        }

        _lastRouting = buffers;
        return buffers;
    }

    private static Span<float> Grown(ref float[] array, long length)
    {
        if (array.Length < length)
        {
            array = new float[Math.Min(Array.MaxLength, Math.Max(length, 2L * array.Length))];
        }

        return array.AsSpan(0, (int)length);
    }
}
