using DynamicMoE.Peers.Checks;
using DynamicMoE.Peers.Onnx;

namespace DynamicMoE.Peers.Tests;

/// <summary>The hand-written model loads in ONNX Runtime and computes the layer.</summary>
public sealed class OnnxRuntimeLayerTests
{
    static OnnxRuntimeLayerTests() => OnnxEnvironment.Prepare();

    [Theory]
    [InlineData("f32", 64, 96, 1)]
    [InlineData("f32", 50, 33, 3)]
    [InlineData("q8", 64, 96, 1)]
    [InlineData("q8", 64, 45, 9)]
    [InlineData("q4", 64, 96, 3)]
    [InlineData("q4", 64, 45, 16)]
    public void Run_WhenTheModelIsLoaded_MatchesTheReference(string format, int hidden, int width, int tokens)
    {
        var weights = new LayerWeights(new LayerShape("t", hidden, width, 6, 2), LayerFormats.Named(format), 3);
        var pool = new TokenPool(weights, tokens);
        var batches = new TokenBatches(pool, tokens);
        var reference = new ReferenceOutputs(weights, pool);
        using var layer = new OnnxRuntimeLayer(weights);
        weights.ForEach((index, expert) =>
        {
            layer.SetExpert(index, expert);
            reference.AddExpert(index, expert);
        });

        using IPreparedLayer run = layer.Prepare(batches, threads: 1);

        double error = OutputCheck.Run(layer.Name, run, batches, weights, reference);
        Assert.InRange(error, 0, ErrorBounds.Output(weights.Format));
        // 8-bit activations show: without the setting of the environment they would be float32, and the peer another one.
        Assert.Equal(format != "f32", error > 1e-3);
    }

    [Fact]
    public void Run_WhenAnExpertIsMissing_FailsTheCheck()
    {
        var weights = new LayerWeights(new LayerShape("t", 64, 32, 2, 2), WeightFormat.Q8, 3);
        var pool = new TokenPool(weights, 1);
        var batches = new TokenBatches(pool, 1);
        var reference = new ReferenceOutputs(weights, pool);
        using var layer = new OnnxRuntimeLayer(weights);
        weights.ForEach((index, expert) =>
        {
            layer.SetExpert(0, expert);
            layer.SetExpert(1, expert);
            reference.AddExpert(index, expert);
        });
        using IPreparedLayer run = layer.Prepare(batches, threads: 1);

        Assert.Throws<WrongOutputException>(() => OutputCheck.Run(layer.Name, run, batches, weights, reference));
    }

    [Fact]
    public void Model_WhenWidthIsNoMultipleOfABlock_IsPadded()
    {
        var model = new OnnxMoEModel(new LayerShape("t", 64, 45, 6, 2), WeightFormat.Q4);

        Assert.Equal(64, model.Width);
        Assert.Equal([6, 128, 32], model.Tensors.Single(tensor => tensor.Name == "fc1").Shape);
        Assert.Equal([6, 64, 2], model.Tensors.Single(tensor => tensor.Name == "fc2_scales").Shape);
    }

    [Fact]
    public void Layer_WhenATensorIsTooLarge_IsRefused() => Assert.Throws<PeerRefusedException>(() => new OnnxWeights(new OnnxTensor("fc1", OnnxType.Byte, 1 << 16, 1 << 15)));

    [Fact]
    public void Message_WhenFieldsAreWritten_HasTheBytesOfTheFormat()
    {
        // 1: varint 300; 2: float 1; 3: "ab"; 4: a message with 1: 1.
        byte[] bytes = new ProtobufMessage().Integer(1, 300).Float(2, 1).Text(3, "ab").Message(4, new ProtobufMessage().Integer(1, 1)).ToArray();

        Assert.Equal([0x08, 0xAC, 0x02, 0x15, 0, 0, 0x80, 0x3F, 0x1A, 2, 0x61, 0x62, 0x22, 2, 0x08, 1], bytes);
    }
}
