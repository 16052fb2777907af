using DynamicMoE.TestKit.Checkpoints;

namespace DynamicMoE.Hosting.Tests.Serving;

[Collection(Registration.NativeMemory.Name)]
public sealed class HostileValuesTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    // Each call overflows the experts that its token was routed to; taken out of service, they would soon all be gone.
    [Fact]
    public async Task Forward_WhenCallersSendValuesThatOverflowExperts_AnswersTheOthersAsBefore()
    {
        await using ServiceUnderTest host = await ServiceUnderTest.StartModelAsync(ServiceUnderTest.Checkpoint(_folder), "serving: {guardrail_rate: 0}");
        int dim = host.Service.Model.Layers[0].HiddenSize;
        host.Service.Frozen = true;
        LayerReply before = await host.Service.ForwardAsync(Request(1, dim, scale: 1));

        for (int i = 0; i < 50; i++)
        {
            await Assert.ThrowsAsync<ExpertDispatchException>(() => host.Service.ForwardAsync(Request(i, dim, scale: 1e30f)));
        }

        LayerReply after = await host.Service.ForwardAsync(Request(1, dim, scale: 1));
        Assert.Equal(before.Output, after.Output);
        Assert.Equal(new RequestStats(52, 2, 50, 0, 0), host.Service.GetStats().Requests);
    }

    private static LayerRequest Request(int seed, int dim, float scale)
    {
        var random = new Random(seed);
        return new LayerRequest { Hidden = Enumerable.Range(0, dim).Select(_ => scale * ((2 * random.NextSingle()) - 1)).ToArray(), Tokens = 1 };
    }
}
