using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using DynamicMoE.Benchmarks.Caching;
using DynamicMoE.Benchmarks.Concurrency;
using DynamicMoE.Benchmarks.CudaStatic;
using DynamicMoE.Benchmarks.Hosting;
using DynamicMoE.Benchmarks.Monitoring;

// A question about many threads at once, with percentiles of single calls, is not one for BenchmarkDotNet.
if (args is ["concurrency", ..])
{
    return ConcurrencyCommand.Run(args[1..]);
}

// Nor one about a share that is far below the noise of a call.
if (args is ["monitoring", ..])
{
    return MonitoringCommand.Run(args[1..]);
}

// Nor is one that two ways answer call by call in turn, on batches that change.
if (args is ["cache", ..])
{
    return CacheCommand.Run(args[1..]);
}

// Nor one about another process.
if (args is ["hosting", ..])
{
    return HostingCommand.Run(args[1..]);
}

// Nor one that nothing is run for.
if (args is ["cuda-static", ..])
{
    return CudaStaticCommand.Run(args[1..]);
}

// In process: the native library and its thread pool are the ones that a host has, and no second build is needed.
Job job = Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance);
IConfig config = ManualConfig.Create(DefaultConfig.Instance).AddJob(job);
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);
return 0;
