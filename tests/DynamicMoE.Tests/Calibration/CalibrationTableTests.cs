using System.Text;
using System.Text.Json.Nodes;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Calibration;

public sealed class CalibrationTableTests
{
    // Each with what its message must say.
    private static readonly Dictionary<string, (Action<JsonObject> Damage, string Message)> Wrong = new()
    {
        ["kind"] = (json => json["kind"] = "other", "kind: no calibration"),
        ["no kind"] = (json => json.Remove("kind"), "kind: no calibration"),
        ["version"] = (json => json["version"] = 1, "version: version 1 of calibrations, this library reads version 2"),
        ["version text"] = (json => json["version"] = "1", "version: an integer"),
        ["hash"] = (json => json["model_hash"] = "12", "model_hash: 32 hexadecimal digits"),
        ["another key"] = (json => json["more"] = 1, "5 keys, 4 are needed"),
        ["no layers"] = (json => json["layers"] = new JsonArray(), "layers: CalibrationTable: layers.Count (0)"),
        ["layers no array"] = (json => json["layers"] = 3, "layers: an array"),
        ["layer no object"] = (json => json["layers"]![0] = 3, "layers[0]: an object"),
        ["layer negative"] = (json => Layer(json)["layer"] = -1, "layers[0].layer: an integer of at least 0"),
        ["layer twice"] = (json => ((JsonArray)json["layers"]!).Add(Layer(json).DeepClone()), "ascending order"),
        ["layer key"] = (json => Layer(json).Remove("tokens"), "layers[0]: 5 keys, 6 are needed"),
        ["tokens"] = (json => Layer(json)["tokens"] = 0, "layers[0].tokens: an integer of at least 1"),
        ["sensitivity text"] = (json => Layer(json)["sensitivity"] = "1", "layers[0].sensitivity: a number or null is needed"),
        ["sensitivity below 0"] = (json => Layer(json)["sensitivity"] = -0.5, "sensitivity (-0.5) must be finite and at least 0"),
        ["gate"] = (json => Layer(json)["gate_hash"] = 5, "layers[0].gate_hash: 32"),
        ["gaps short"] = (json => ((JsonArray)Layer(json)["gaps"]![0]!).RemoveAt(3), "layers[0]: The gaps of choice 2 are 255 quantiles, 256"),
        ["gap negative"] = (json => Layer(json)["gaps"]![0]![0] = -1, "quantile 0 is -1"),
        ["gaps fall"] = (json => Layer(json)["gaps"]![0]![9] = 0, "quantile 9 is 0"),
        ["gap beyond float"] = (json => Layer(json)["gaps"]![0]![9] = 1e300, "layers[0].gaps[0][9]: a number within the range of float32"),
        ["gap text"] = (json => Layer(json)["gaps"]![0]![9] = "1", "layers[0].gaps[0][9]: a number"),
        ["score name"] = (json => Score(json)["estimator"] = "", "layers[0].scores[0].estimator: a name"),
        ["score fallback"] = (json => Score(json)["fallback"] = 1, "layers[0].scores[0].fallback: true or false"),
        ["score values"] = (json => Score(json)["values"] = new JsonArray(), "are 0 quantiles, 64"),
        ["score twice"] = (json => ((JsonArray)Layer(json)["scores"]!).Add(Score(json).DeepClone()), "scores has a table twice"),
    };

    public static TheoryData<string> WrongNames => [.. Wrong.Keys];

    [Fact]
    public void Load_WhenATableWasSaved_GivesItBack()
    {
        using var directory = new TemporaryDirectory();
        CalibrationTable table = Table();

        table.Save(directory["table.json"]);
        CalibrationTable loaded = CalibrationTable.Load(directory["table.json"]);

        Assert.Equal(table.Model, loaded.Model);
        LayerCalibration expected = Assert.Single(table.Layers), actual = Assert.Single(loaded.Layers);
        Assert.Equal((expected.Layer, expected.Gate, expected.Tokens), (actual.Layer, actual.Gate, actual.Tokens));
        Assert.Equal(expected.Gaps, actual.Gaps);
        Assert.Equal(expected.Scores.Select(s => (s.Estimator, s.Fallback)), actual.Scores.Select(s => (s.Estimator, s.Fallback)));
        Assert.Equal(expected.Scores.Select(s => s.Values), actual.Scores.Select(s => s.Values));
        Assert.Same(actual, loaded.Find(0));
        Assert.Null(loaded.Find(1));
        Assert.Throws<IOException>(() => table.Save(directory["table.json"]));
        table.Save(directory["table.json"], overwrite: true);
        Assert.Single(Directory.GetFileSystemEntries(directory.Path));
    }

    [Fact]
    public void WithSensitivity_WhenSavedAndLoaded_IsKept()
    {
        using var stream = new MemoryStream();
        Table().WithSensitivity([0.125]).Save(stream);

        Assert.Equal(0.125, Load(stream.ToArray()).Layers[0].Sensitivity);
        Assert.Null(Load(Bytes()).Layers[0].Sensitivity);
    }

    [Fact]
    public void WithSensitivity_WhenItIsWrong_SaysHow()
    {
        CalibrationTable table = Table();
        LayerCalibration layer = table.Layers[0];
        var other = new LayerCalibration(layer.Layer + 1, layer.Gate, layer.Tokens, layer.Gaps, layer.Scores, 1);

        Assert.Contains("2 values, the table has 1", Assert.Throws<RouterConfigurationException>(() => table.WithSensitivity([1, 2])).Message, StringComparison.Ordinal);
        Assert.Contains("(NaN)", Assert.Throws<RouterConfigurationException>(() => table.WithSensitivity([double.NaN])).Message, StringComparison.Ordinal);
        Assert.Contains("or none", Assert.Throws<RouterConfigurationException>(() => new CalibrationTable(table.Model, [layer, other])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RequireModel_WhenItIsAnotherModel_NamesBothHashes()
    {
        CalibrationTable table = Table();

        table.RequireModel(table.Model);
        var e = Assert.Throws<RouterConfigurationException>(() => table.RequireModel(new ModelHash(7)));

        Assert.Contains($"model {table.Model}, this is model {new ModelHash(7)}", e.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(WrongNames))]
    public void Load_WhenTheFileIsWrong_NamesPlaceAndValue(string name)
    {
        JsonObject json = JsonNode.Parse(Bytes())!.AsObject();
        Wrong[name].Damage(json);

        var e = Assert.Throws<RouterConfigurationException>(() => Load(Encoding.UTF8.GetBytes(json.ToJsonString())));

        Assert.StartsWith("table.json: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(Wrong[name].Message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_WhenBytesAreRandom_NeverFailsInAnotherWay()
    {
        byte[] good = Bytes();
        var random = new Random(13);
        for (int i = 0; i < 1000; i++)
        {
            byte[] bytes = [.. good];
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            Exception? e = Record.Exception(() => Load(i % 3 == 0 ? bytes[..random.Next(bytes.Length)] : bytes));
            Assert.True(e is null or RouterConfigurationException, $"{i}: {e}");
        }
    }

    private static JsonObject Layer(JsonObject json) => json["layers"]![0]!.AsObject();

    private static JsonObject Score(JsonObject json) => Layer(json)["scores"]![0]!.AsObject();

    private static CalibrationTable Table()
    {
        using GateWeights gate = Gates.Identity(8);
        LayerCalibration layer = LayerCalibrationTests.Calibrate(gate, 3, new Trace(2).Next(512, 8));
        return new CalibrationTable(layer.Gate, [layer]);
    }

    private static byte[] Bytes()
    {
        using var stream = new MemoryStream();
        Table().Save(stream);
        return stream.ToArray();
    }

    private static CalibrationTable Load(byte[] bytes) => CalibrationTable.Load(new MemoryStream(bytes), "table.json");
}
