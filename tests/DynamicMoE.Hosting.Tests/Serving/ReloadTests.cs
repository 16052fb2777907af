using System.Diagnostics;
using DynamicMoE.Models;
using DynamicMoE.TestKit.Checkpoints;
using Microsoft.Extensions.Configuration;

namespace DynamicMoE.Hosting.Tests.Serving;

[Collection(Registration.NativeMemory.Name)]
public sealed class ReloadTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Reload_WhenTheCheckpointIsDamaged_KeepsTheOneBefore()
    {
        using var other = new TemporaryDirectory();
        ServiceUnderTest.Checkpoint(other, seed: 2);
        File.WriteAllBytes(other["model.safetensors"], File.ReadAllBytes(other["model.safetensors"])[..^100]);
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(ServiceUnderTest.Checkpoint(_folder));
        ServedModelInfo before = host.Service.Model;

        await Assert.ThrowsAnyAsync<DynamicMoEException>(() => host.Service.ReloadModelAsync(other.Path));

        Assert.Same(before, host.Service.Model);
        Assert.Equal(ServiceState.Running, host.Service.State);
        Assert.Contains(host.Logger.Messages, message => message.Contains("could not be loaded", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Reload_WhenAFileIsAPipe_RefusesInsteadOfWaiting()
    {
        using var other = new TemporaryDirectory();
        ServiceUnderTest.Checkpoint(other, seed: 2);
        File.Delete(other["config.json"]);
        await Process.Start("mkfifo", [other["config.json"], other["pipe"]]).WaitForExitAsync();
        File.CreateSymbolicLink(other["link"], other["pipe"]);
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(ServiceUnderTest.Checkpoint(_folder));

        foreach (string path in (string[])[other.Path, other["pipe"], other["link"], "/dev/zero", "/proc/self/maps"])
        {
            DynamicMoEException refused = await Assert.ThrowsAsync<DynamicMoEException>(() => host.Service.ReloadModelAsync(path).WaitAsync(TimeSpan.FromMinutes(1)));
            Assert.EndsWith("is empty or no regular file.", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Reload_WhenItsPathCannotBeRead_SaysSo()
    {
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(ServiceUnderTest.Checkpoint(_folder));
        File.CreateSymbolicLink(_folder["a"], _folder["b"]);
        File.CreateSymbolicLink(_folder["b"], _folder["a"]);

        foreach (string path in (string[])[_folder["a"], _folder["missing"], "a\0b"])
        {
            await Assert.ThrowsAnyAsync<DynamicMoEException>(() => host.Service.ReloadModelAsync(path));
        }
    }

    [Fact]
    public async Task Reload_WhenThereIsARoot_TakesWhatLiesBelowItOnly()
    {
        using var root = new TemporaryDirectory();
        SyntheticCheckpoint.Create(TestKit.Decoder.ReferenceFamily.Mixtral, seed: 2).Save(root["inside"]);
        string outside = ServiceUnderTest.Checkpoint(_folder);
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(outside, $"serving: {{model_root: {root.Path}}}");

        foreach (string path in (string[])[outside, "..", ".", $"inside/../../{Path.GetFileName(outside)}", root.Path + "x", "/"])
        {
            DynamicMoEException refused = await Assert.ThrowsAsync<DynamicMoEException>(() => host.Service.ReloadModelAsync(path));
            Assert.Contains("within serving.model_root", refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("inside'", refused.Message, StringComparison.Ordinal);
        }

        await host.Service.ReloadModelAsync("inside");
        Assert.Equal("inside", host.Service.Model.Name);
        await host.Service.ReloadModelAsync(root["inside"]);
        await host.Service.ReloadModelAsync();
        Assert.Equal("inside", host.Service.Model.Name);
    }

    [Fact]
    public async Task Reload_WhenItsCallerLeaves_IsDroppedAndTheNextOneWorks()
    {
        using var pause = new ManualResetEventSlim(true);
        using var begun = new SemaphoreSlim(0);
        string path = ServiceUnderTest.Checkpoint(_folder);
        await using ServiceUnderTest host = await ServiceUnderTest.StartAsync("", moe => moe.AddModel("made", options =>
        {
            begun.Release();
            pause.Wait();
            return MoEModel.Load(path, options);
        }));
        await begun.WaitAsync();
        ServedModelInfo before = host.Service.Model;
        pause.Reset();
        using var cancel = new CancellationTokenSource();
        Task reload = host.Service.ReloadModelAsync(cancellationToken: cancel.Token);
        await begun.WaitAsync();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reload);

        Task next = host.Service.ReloadModelAsync();
        Assert.Same(before, host.Service.Model);
        pause.Set();
        await next;
        Assert.NotSame(before, host.Service.Model);
        Assert.Equal(1, begun.CurrentCount);
    }

    [Fact]
    public async Task Reload_WhenASequenceIsGenerated_EndsItWithTheOldModel()
    {
        using var other = new TemporaryDirectory();
        ServiceUnderTest.Checkpoint(other, seed: 2);
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(ServiceUnderTest.Checkpoint(_folder), "serving: {guardrail_rate: 0}");
        host.Service.Frozen = true;
        var request = new GenerationRequest { PromptTokens = new int[] { 1, 2, 3 }, MaxTokens = 30, Temperature = 0 };
        var before = new List<int>();
        await foreach (GenerationUpdate update in host.Service.GenerateAsync(request))
        {
            before.Add(update.TokenId);
        }

        var during = new List<int>();
        await foreach (GenerationUpdate update in host.Service.GenerateAsync(request))
        {
            during.Add(update.TokenId);
            if (during.Count == 1)
            {
                await host.Service.ReloadModelAsync(other.Path);
            }
        }

        Assert.Equal(before, during);

        // What the old model did for this sequence does not count for the new one.
        ServiceStats stats = host.Service.GetStats();
        Assert.Equal((0L, 0L), (stats.ExpertsPerToken.Sum(), stats.Layers.Sum(layer => layer.Tokens)));
        Assert.Equal(Path.GetFileName(other.Path), host.Service.Model.Name);
    }

    [Fact]
    public async Task Requests_WhenMadeForTheModelBefore_AreRefused()
    {
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(ServiceUnderTest.Checkpoint(_folder), "serving: {guardrail_rate: 0}");
        ServedModelInfo before = host.Service.Model;
        Assert.Same(before, host.Service.Model);
        await host.Service.ReloadModelAsync();

        Assert.Throws<ModelExchangedException>(() => host.Service.GenerateAsync(new GenerationRequest { Model = before, PromptTokens = new int[] { 1 } }));
        float[] hidden = new float[before.Layers[0].HiddenSize];
        await Assert.ThrowsAsync<ModelExchangedException>(() => host.Service.ForwardAsync(new LayerRequest { Model = before, Hidden = hidden, Tokens = 1 }));
        Assert.Equal(0, host.Service.GetStats().Requests.Accepted);
        Assert.Equal(1, (await host.Service.ForwardAsync(new LayerRequest { Model = host.Service.Model, Hidden = hidden, Tokens = 1 })).Tokens);
    }

    [Fact]
    public async Task Budget_WhenTheFileChanges_IsThatOfTheServedModel()
    {
        string path = ServiceUnderTest.Checkpoint(_folder);
        string file = _folder["settings.yaml"];
        File.WriteAllText(file, "router: {routing_strategy: threshold, mean_experts_budget: 1.25}");
        IConfigurationRoot configuration = new ConfigurationBuilder().AddDynamicMoEYaml(file).Build();
        await using ServiceUnderTest host = await ServiceUnderTest.StartAsync(configuration, moe => moe.AddModel(path));
        Assert.Equal(1.25, host.Service.GetStats().Budget!.Target);

        File.WriteAllText(file, "router: {routing_strategy: threshold, mean_experts_budget: 1.75}");
        configuration.Reload();

        Assert.Equal(1.75, host.Service.GetStats().Budget!.Target);
    }

    [Fact]
    public async Task Thresholds_WhenTheServiceIsStartedAgain_AreThoseOfBefore()
    {
        string path = ServiceUnderTest.Checkpoint(_folder);
        using TemporaryDirectory state = new(), other = new();
        (string fresh, string learnt) = (await RunAsync(path, other, tokens: 0), await RunAsync(path, state, tokens: 40));
        Assert.NotEqual(fresh, learnt);

        // What is kept at the stop is what was in force: without a request that is what the start took over.
        Assert.Equal(learnt, await RunAsync(path, state, tokens: 0));
        Assert.Equal(learnt, await RunAsync(path, state, tokens: 0, reload: true));
    }

    [Fact]
    public async Task Thresholds_WhenTheirFileIsBroken_AreFoundAnew()
    {
        string path = ServiceUnderTest.Checkpoint(_folder);
        using TemporaryDirectory state = new(), other = new();
        string fresh = await RunAsync(path, other, tokens: 0);
        await RunAsync(path, state, tokens: 40);
        File.WriteAllText(Assert.Single(Directory.GetFiles(state.Path)), "{");

        Assert.Equal(fresh, await RunAsync(path, state, tokens: 0));
    }

    // Runs the service from start to stop, and returns the state that it leaves.
    private static async Task<string> RunAsync(string path, TemporaryDirectory state, int tokens, bool reload = false)
    {
        await using (ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(path, $"serving: {{guardrail_rate: 0, state_directory: {state.Path}}}"))
        {
            if (tokens > 0)
            {
                await foreach (GenerationUpdate update in host.Service.GenerateAsync(new GenerationRequest { PromptTokens = new int[] { 1, 2, 3 }, MaxTokens = tokens }))
                {
                }
            }

            if (reload)
            {
                await host.Service.ReloadModelAsync();
            }
        }

        return await File.ReadAllTextAsync(Assert.Single(Directory.GetFiles(state.Path)));
    }

    [Fact]
    public async Task Start_WhenThereIsNoModel_FailsAndSaysSo()
    {
        await using ServiceUnderTest host = await ServiceUnderTest.StartAsync($"serving: {{model: {_folder["missing"]}}}");

        Assert.Equal(ServiceState.Failed, host.Service.State);
        await Assert.ThrowsAsync<ServiceUnavailableException>(() => host.Service.WaitUntilReadyAsync());
        Assert.Contains("out of order", Assert.Throws<ServiceUnavailableException>(() => host.Service.Model).Message, StringComparison.Ordinal);
    }
}
