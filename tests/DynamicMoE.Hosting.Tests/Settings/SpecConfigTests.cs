namespace DynamicMoE.Hosting.Tests.Settings;

/// <summary>The specification's config.yaml as it stands there.</summary>
public sealed class SpecConfigTests
{
    private static readonly DynamicMoESettings Settings = Sources.Read(Resources.SpecConfig);

    [Fact]
    public void Router_WhenTheSpecificationsFileIsRead_HasItsValues()
    {
        RouterSettings router = Settings.Router;

        Assert.Equal((768, 8, 1, 4), (router.InputDim, router.NumExperts, router.MinExperts, router.MaxExperts));
        Assert.Equal(("gradient_norm", RoutingStrategy.TopK, true, 0.1f), (router.ComplexityEstimator, router.RoutingStrategy, router.LoadBalancing, router.NoiseFactor));
    }

    [Fact]
    public void Optimization_WhenTheSpecificationsFileIsRead_HasItsValues()
    {
        OptimizationSettings optimization = Settings.Optimization;

        Assert.Equal((true, true, true), (optimization.EnableAutoscaling, optimization.EnableParallel, optimization.EnableCaching));
        Assert.Equal((4, 1000), (optimization.MaxWorkers, optimization.CacheSize));
    }

    [Fact]
    public void Monitoring_WhenTheSpecificationsFileIsRead_HasItsValues()
    {
        AlertThresholdSettings thresholds = Settings.Monitoring.AlertThresholds;

        Assert.True(Settings.Monitoring.EnableCircuitBreaker);
        Assert.Equal((50, 0.05, 0.1, 1000), (thresholds.AvgLatencyMs, thresholds.ErrorRate, thresholds.LoadBalanceVariance, thresholds.MemoryUsageMb));
    }

    [Fact]
    public void Benchmarking_WhenTheSpecificationsFileIsRead_HasItsValues()
    {
        BenchmarkingSettings benchmarking = Settings.Benchmarking;

        Assert.Equal((100, 10), (benchmarking.NumRuns, benchmarking.WarmupRuns));
        Assert.Equal([1, 8, 16, 32], benchmarking.BatchSizes);
        Assert.Equal([128, 256, 512], benchmarking.SequenceLengths);
    }

    [Fact]
    public void Sources_WhenTheSpecificationsFileIsRead_NameTheirLines()
    {
        Dictionary<string, SettingSource> sources = Settings.List().ToDictionary(value => value.Key, value => value.Source);

        Assert.Equal(new SettingSource(SettingSourceKind.Yaml, Sources.File, 3, 14), sources["router.input_dim"]);
        Assert.Equal(new SettingSource(SettingSourceKind.Yaml, Sources.File, 30, 16), sources["benchmarking.batch_sizes"]);
        Assert.Equal(new SettingSource(SettingSourceKind.Default), sources["router.tau"]);
    }
}
