using System.Runtime.Versioning;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Decoder;

namespace DynamicMoE.Models.Tests.Packing;

/// <summary>A packed file is there as a whole, or not at all.</summary>
public sealed class WritingTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Folder => _directory["model"];

    private string Target => _directory["out/model.dmoe"];

    public WritingTests()
    {
        SyntheticCheckpoint.Create(ReferenceFamily.Mixtral).Save(Folder);
        Directory.CreateDirectory(_directory["out"]);
    }

    [Theory]
    [InlineData("model.layers.2.block_sparse_moe.experts.7.w2.weight")]
    [InlineData("model.norm.weight")]
    [InlineData("model.layers.1.self_attn.q_proj.weight")]
    public void Pack_WhenATensorIsNotFinite_NamesItAndLeavesNothing(string tensor)
    {
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.Mixtral);
        checkpoint.Tensors[tensor].Data[0] = double.PositiveInfinity;
        checkpoint.Save(Folder);

        var e = Assert.Throws<CheckpointFormatException>(() => PackedModel.Pack(Folder, Target, WeightFormat.Float32));

        Assert.Equal(tensor, e.Tensor);
        RequireEmpty();
    }

    [Fact]
    public void Pack_WhenCancelled_LeavesNothing()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();

        Assert.Throws<OperationCanceledException>(
            () => PackedModel.Pack(Folder, Target, WeightFormat.Float32, cancellationToken: source.Token));

        RequireEmpty();
    }

    [Fact]
    public void Pack_WhenTheFileExists_LeavesItAlone()
    {
        File.WriteAllText(Target, "mine");

        var e = Assert.Throws<IOException>(() => PackedModel.Pack(Folder, Target, WeightFormat.Float32));

        Assert.Contains(Target, e.Message, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(Target));
        Assert.Single(Directory.EnumerateFileSystemEntries(_directory["out"]));
    }

    [Fact]
    public void Pack_WhenItFailsOverAnExistingFile_LeavesThatAlone()
    {
        File.WriteAllText(Target, "mine");
        SyntheticCheckpoint checkpoint = SyntheticCheckpoint.Create(ReferenceFamily.Mixtral);
        checkpoint.Tensors["model.norm.weight"].Data[0] = double.NaN;
        checkpoint.Save(Folder);

        Assert.Throws<CheckpointFormatException>(() => PackedModel.Pack(Folder, Target, WeightFormat.Float32, overwrite: true));

        Assert.Equal("mine", File.ReadAllText(Target));
        Assert.Single(Directory.EnumerateFileSystemEntries(_directory["out"]));
    }

    [Fact]
    public void Pack_WhenAModelRunsFromTheOldFile_LeavesItRunning()
    {
        _ = PackedModel.Pack(Folder, Target, WeightFormat.Float32);
        using MoEModel old = MoEModel.Load(Target);
        float[] before = Decoding.TestModels.Run(old, Decoding.TestModels.Tokens());

        _ = PackedModel.Pack(Folder, Target, WeightFormat.BFloat16, overwrite: true);

        Assert.Equal(before, Decoding.TestModels.Run(old, Decoding.TestModels.Tokens()));
        using MoEModel replaced = MoEModel.Load(Target);
        Assert.Equal(WeightFormat.BFloat16, replaced.WeightFormat);
    }

    [Fact]
    public void Pack_WhenThePathCannotBeAFile_SaysWhy()
    {
        Assert.Contains(
            "is a folder", Assert.Throws<IOException>(() => PackedModel.Pack(Folder, _directory["out"], WeightFormat.Float32)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "does not exist",
            Assert.Throws<DirectoryNotFoundException>(() => PackedModel.Pack(Folder, _directory["none/x"], WeightFormat.Float32)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => PackedModel.Pack(Folder, "", WeightFormat.Float32));
        Assert.Throws<ArgumentException>(() => PackedModel.Pack("", Target, WeightFormat.Float32));
        RequireEmpty();
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public void Pack_WhenTheFolderIsReadOnly_SaysSo()
    {
        // Root may write anywhere but here.
        string target = Environment.IsPrivilegedProcess ? "/proc/model.dmoe" : Target;
        File.SetUnixFileMode(_directory["out"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            Exception? e = Record.Exception(() => PackedModel.Pack(Folder, target, WeightFormat.Float32));

            Assert.True(e is IOException or UnauthorizedAccessException, $"{e}");
        }
        finally
        {
            File.SetUnixFileMode(_directory["out"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    [Fact]
    public void Pack_WhenTheSourceIsWrong_SaysWhy()
    {
        _ = PackedModel.Pack(Folder, Target, WeightFormat.Float32);

        var packed = Assert.Throws<CheckpointFormatException>(() => PackedModel.Pack(Target, _directory["again"], WeightFormat.Float32));
        Assert.Contains("packed already", packed.Message, StringComparison.Ordinal);
        Assert.Throws<ModelConfigurationException>(() => PackedModel.Pack(_directory["none"], _directory["again"], WeightFormat.Float32));
        Assert.Throws<RouterConfigurationException>(() => PackedModel.Pack(Folder, _directory["again"], (WeightFormat)9));
        File.WriteAllText(Path.Combine(Folder, "vocab.txt"), "x");
        var tokenizer = Assert.Throws<ModelConfigurationException>(() => PackedModel.Pack(Folder, _directory["again"], WeightFormat.Float32));
        Assert.Contains("vocab.txt", tokenizer.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(_directory["again"]));
    }

    [Fact]
    public void Verify_WhenCancelled_Ends()
    {
        _ = PackedModel.Pack(Folder, Target, WeightFormat.Float32);
        using var source = new CancellationTokenSource();
        source.Cancel();

        Assert.Throws<OperationCanceledException>(() => PackedModel.Verify(Target, source.Token));
    }

    public void Dispose() => _directory.Dispose();

    private void RequireEmpty() => Assert.Empty(Directory.EnumerateFileSystemEntries(_directory["out"]));
}
