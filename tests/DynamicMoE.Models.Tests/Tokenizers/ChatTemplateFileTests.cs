using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Tokenizers;

public sealed class ChatTemplateFileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public ChatTemplateFileTests() => SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Save(Folder);

    private string Folder => _directory["model"];

    [Theory]
    [InlineData(null, null, null)]
    [InlineData("{}", null, null)]
    [InlineData("""{"chat_template": null}""", null, null)]
    [InlineData("""{"chat_template": "{{ a }}"}""", null, "{{ a }}")]
    [InlineData("""{"chat_template": [{"name": "rag", "template": "r"}, {"name": "default", "template": "d"}]}""", null, "d")]
    [InlineData("""{"chat_template": [{"name": "rag", "template": "r"}]}""", null, null)]
    [InlineData("""{"chat_template": "{{ a }}"}""", "{{ own \u00e9 }}", "{{ own \u00e9 }}")]
    public void Load_WhenTemplatesAreBesideTheWeights_TakesTheOneThatCounts(string? settings, string? own, string? expected)
    {
        Write("tokenizer_config.json", settings);
        Write("chat_template.jinja", own);
        _ = PackedModel.Pack(Folder, _directory["model.dmoe"], WeightFormat.Q8);

        using MoEModel folder = MoEModel.Load(Folder);
        using MoEModel packed = MoEModel.Load(_directory["model.dmoe"]);
        using MoEModel without = MoEModel.Load(Folder, new ModelLoadOptions { LoadTokenizer = false });

        Assert.Equal((expected, expected, null), (folder.ChatTemplate, packed.ChatTemplate, without.ChatTemplate));
    }

    [Theory]
    [InlineData("tokenizer_config.json", """{"chat_template": 7}""", "chat_template")]
    [InlineData("tokenizer_config.json", """{"chat_template": [{"name": "default"}]}""", "chat_template")]
    [InlineData("tokenizer_config.json", """{"chat_template": ["default"]}""", "chat_template")]
    [InlineData("tokenizer_config.json", "{", null)]
    [InlineData("chat_template.jinja", "", null)]
    public void Load_WhenATemplateIsWrong_NamesFileAndKey(string file, string text, string? key)
    {
        Write(file, text);

        var loaded = Assert.Throws<ModelConfigurationException>(() => MoEModel.Load(Folder));
        var packed = Assert.Throws<ModelConfigurationException>(() => PackedModel.Pack(Folder, _directory["model.dmoe"], WeightFormat.Q8));

        Assert.All([loaded, packed], e => Assert.Equal((Path.Combine(Folder, file), key), (e.File, e.Key)));
        Assert.False(File.Exists(_directory["model.dmoe"]));
    }

    [Fact]
    public void Load_WhenATemplateIsNotUtf8_NamesTheFile()
    {
        File.WriteAllBytes(Path.Combine(Folder, "chat_template.jinja"), [0x61, 0xFF]);

        Assert.Equal(Path.Combine(Folder, "chat_template.jinja"), Assert.Throws<ModelConfigurationException>(() => MoEModel.Load(Folder)).File);
    }

    public void Dispose() => _directory.Dispose();

    private void Write(string file, string? text)
    {
        if (text is not null)
        {
            File.WriteAllText(Path.Combine(Folder, file), text);
        }
    }
}
