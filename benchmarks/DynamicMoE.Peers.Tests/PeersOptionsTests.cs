using System.CommandLine;

namespace DynamicMoE.Peers.Tests;

public sealed class PeersOptionsTests
{
    [Fact]
    public void Layers_WhenNothingIsAsked_AreAllButTheLargestInFloat32()
    {
        (string Shape, WeightFormat Format)[] layers = Layers("");

        Assert.Equal((5 * 4) - 1, layers.Length);
        Assert.DoesNotContain(("X", WeightFormat.Float32), layers);
    }

    [Theory]
    [InlineData("--shape M Q --format q8", "M,Q")]
    [InlineData("--dynamic --format bf16", "M")]
    [InlineData("--experts 60 --format bf16", "2048/1024/60/8")]
    [InlineData("--shape S --hidden 100 --width 84 --experts 60 --k 4 --format f32", "100/84/60/4")]
    public void Layers_WhenAsked_AreThose(string line, string names) => Assert.Equal(names.Split(','), Layers(line).Select(layer => layer.Shape));

    [Theory]
    [InlineData("--shape X --format f32", "Shape X is not measured in f32: 5.6 GB for each implementation.")]
    [InlineData("--k 65", "--k 65 exceeds the 64 experts of the shape")]
    public void Layers_WhenNoneCanBeMeasured_AreRefused(string line, string message) =>
        Assert.Equal(message, Assert.Throws<InvalidDataException>(() => Layers(line)).Message);

    [Theory]
    [InlineData("--tokens 0", "--tokens takes numbers from 1 to 4096.")]
    [InlineData("--tokens 8 4097", "--tokens takes numbers from 1 to 4096.")]
    [InlineData("--repetitions 0", "--repetitions '0' is not a whole number in 1..1000")]
    [InlineData("--report x", "--report and --from need each other.")]
    [InlineData("--from x", "--report and --from need each other.")]
    [InlineData("--overhead --dynamic", "--overhead, --dynamic and --report exclude one another.")]
    public void Parse_WhenTheLineIsWrong_SaysWhy(string line, string message) =>
        Assert.Equal(message, Assert.Single(new PeersOptions().Command.Parse(line).Errors).Message);

    [Theory]
    [InlineData("--shape Z")]
    [InlineData("--format q5")]
    [InlineData("--unknown")]
    public void Parse_WhenANameIsUnknown_Fails(string line) => Assert.NotEmpty(new PeersOptions().Command.Parse(line).Errors);

    private static (string Shape, WeightFormat Format)[] Layers(string line)
    {
        var options = new PeersOptions();
        ParseResult parsed = options.Command.Parse(line);
        Assert.Empty(parsed.Errors);
        return [.. options.Layers(parsed).Select(layer => (layer.Shape.Name, layer.Format))];
    }
}
