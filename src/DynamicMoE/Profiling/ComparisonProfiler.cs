using System.Numerics.Tensors;
using System.Text.Json;

namespace DynamicMoE;

/// <summary>
/// Compares ways of routing, static and dynamic, at one checkpoint: the same gate weights and the same experts on the same hidden states, in turns.
/// The calls are calls like any other: routers learn from them, in the passes before the timed ones too.
/// </summary>
public sealed class ComparisonProfiler
{
    private readonly FlopProfilerOptions _options;
    private readonly List<StrategyComparison> _results = [];
    private readonly Lock _gate = new();

    /// <summary>Makes a profiler.</summary>
    /// <param name="options">Options; null for the defaults. Later changes to it have no effect.</param>
    /// <exception cref="RouterConfigurationException">An option is outside its range; the message names all that are.</exception>
    public ComparisonProfiler(FlopProfilerOptions? options = null) => _options = (options ?? new FlopProfilerOptions()).Validated();

    /// <summary>What was compared so far: scope by scope, each in the order of its candidates.</summary>
    public IReadOnlyList<StrategyComparison> Results
    {
        get
        {
            lock (_gate)
            {
                return [.. _results];
            }
        }
    }

    /// <summary>Compares candidates. Every turn takes each of them through all batches, every other turn backwards, so that what disturbs the machine
    /// meets all alike.</summary>
    /// <param name="configs">Candidates of different names; the first is what the others are compared with, usually the static rule.</param>
    /// <param name="testData">Batches of hidden states, each <c>[batch, sequence, InputDim]</c> or <c>[tokens, InputDim]</c>, finite. A batch is one call.</param>
    /// <param name="scope">What is compared, for instance "layer.3"; reports have a section for each. A name that was used before gets a number: "layer (2)".</param>
    /// <param name="cancellationToken">Ends the work between two passes.</param>
    /// <returns>One result per candidate, in order, which <see cref="Results"/> holds too.</returns>
    /// <exception cref="ArgumentNullException">An argument or an element is null.</exception>
    /// <exception cref="ProfilingException">There is no candidate or no batch, two candidates share a name, they do not share gate and experts, or one cannot
    /// be counted; names it. Nothing was run.</exception>
    /// <exception cref="RoutingValidationException">A shape does not fit, or a value is not finite.</exception>
    /// <exception cref="ComplexityEstimationException">An estimator failed.</exception>
    /// <exception cref="LoadBalancingException">Fewer usable experts are left than a router's MinExperts.</exception>
    /// <exception cref="ExpertDispatchException">An expert's output overflowed.</exception>
    /// <exception cref="DynamicMoEMemoryException">Working memory could not be had.</exception>
    /// <exception cref="ObjectDisposedException">A layer or its router is disposed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public IReadOnlyList<StrategyComparison> CompareRoutingStrategies(
        IReadOnlyList<RoutingCandidate> configs,
        IReadOnlyList<Tensor<float>> testData,
        string scope = "layer",
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(configs);
        ArgumentNullException.ThrowIfNull(testData);
        ArgumentNullException.ThrowIfNull(scope);
        IReadOnlyList<StrategyComparison> results = new ComparisonRun(_options, EqualCheckpoint.Require(configs), testData).Run(scope, cancellationToken);
        lock (_gate)
        {
            string unused = scope;
            for (int number = 2; _results.Exists(result => result.Scope == unused); number++)
            {
                unused = $"{scope} ({number})";
            }

            results = [.. results.Select(result => result with { Scope = unused })];
            _results.AddRange(results);
        }

        return results;
    }

    /// <summary>Writes what was compared as a page. With a renderer in the options its charts are written to the folder there.</summary>
    /// <returns>Markdown.</returns>
    /// <exception cref="ProfilingException">Nothing was compared yet.</exception>
    /// <exception cref="IOException">A chart cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public string GenerateComparisonReport()
    {
        IReadOnlyList<StrategyComparison> results = RequireResults();
        IReadOnlyList<string> files = _options.Charts is { } renderer
            ? ChartFiles.Write(ComparisonCharts.Of(results), renderer, _options.OutputDirectory) : [];
        return new ComparisonReport(results, files).Text();
    }

    /// <summary>The charts of <see cref="GenerateComparisonReport"/> as data.</summary>
    /// <returns>Operations, bytes and time beside the first candidate's.</returns>
    /// <exception cref="ProfilingException">Nothing was compared yet.</exception>
    public IReadOnlyList<Chart> GetCharts() => ComparisonCharts.Of(RequireResults());

    /// <summary>Adds up scopes whose candidates have the same names, for instance all layers of a model.</summary>
    /// <returns>One total per candidate of the first scope that every scope has; ratios are those of the sums.</returns>
    /// <exception cref="ProfilingException">Nothing was compared yet.</exception>
    public IReadOnlyList<ComparisonTotal> GetTotals() => ComparisonTotal.Of(RequireResults());

    /// <summary>Writes totals and results as JSON, names in snake_case.</summary>
    /// <returns>{totals, results}.</returns>
    /// <exception cref="ProfilingException">Nothing was compared yet.</exception>
    public string ToJson()
    {
        IReadOnlyList<StrategyComparison> results = RequireResults();
        return JsonSerializer.Serialize(new ComparisonDocument(ComparisonTotal.Of(results), results), ReportJson.Default.ComparisonDocument);
    }

    private IReadOnlyList<StrategyComparison> RequireResults() =>
        Results is { Count: > 0 } results ? results : throw new ProfilingException("Nothing was compared yet.");
}

/// <summary>What <see cref="ComparisonProfiler.ToJson"/> writes.</summary>
internal sealed record ComparisonDocument(IReadOnlyList<ComparisonTotal> Totals, IReadOnlyList<StrategyComparison> Results);
