using System.Runtime.CompilerServices;
using DynamicMoE.TestKit.Checkpoints;
using DynamicMoE.TestKit.Files;
using DynamicMoE.TestKit.Generators;
using DynamicMoE.Tests.Support;

namespace DynamicMoE.Tests.Layers;

/// <summary>Experts in a mapped file: the same bits, and no way to outlive the mapping.</summary>
public sealed class MappedBankTests : IDisposable
{
    private const int Dim = 32, Tokens = 9;

    /// <summary>What stands before the weights in the file.</summary>
    private const int Offset = 128;

    private readonly TemporaryDirectory _directory = new();
    private readonly float[] _hidden = new SeededRandom(3).Gaussian(Tokens * Dim);

    private string Path => _directory["experts.bin"];

    public static TheoryData<ExpertKind, WeightFormat, bool> Kinds()
    {
        var kinds = new TheoryData<ExpertKind, WeightFormat, bool>();
        foreach (ExpertKind kind in new[] { ExpertKind.SwiGlu, ExpertKind.Gelu, ExpertKind.Linear })
        {
            foreach (WeightFormat format in Enum.GetValues<WeightFormat>())
            {
                kinds.Add(kind, format, false);
                kinds.Add(kind, format, true);
            }
        }

        return kinds;
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Forward_WhenExpertsAreMapped_GivesTheBitsOfPackedOnes(ExpertKind kind, WeightFormat format, bool bias)
    {
        ExpertBankOptions options = Options(kind, format, bias);
        using ExpertBank packed = ExpertBank.CreateRandom(options);
        Save(packed);

        using MappedFile file = MappedFile.Open(Path);
        using ExpertBank mapped = ExpertBank.FromMapped(options, file, Offset, packed.PackedBytes);

        Assert.Equal(packed.BytesPerExpert * packed.NumExperts, packed.PackedBytes);
        Assert.Equal(Offset + packed.PackedBytes, file.Length);
        Assert.Equal(RoutingOracle.Bits(Run(packed)), RoutingOracle.Bits(Run(mapped)));
    }

    [Fact]
    public void Layer_WhenFileAndBankAreDisposed_KeepsTheMappingUntilItIsDisposedItself()
    {
        ExpertBankOptions options = Options();
        using ExpertBank packed = ExpertBank.CreateRandom(options);
        Save(packed);
        using var router = new DynamicRouter(new DynamicRouterOptions
        {
            InputDim = Dim,
            NumExperts = options.NumExperts,
            MinExperts = 2,
            MaxExperts = 2,
            LoadBalancing = false,
        });
        MappedFile file = MappedFile.Open(Path);
        ExpertBank routed = ExpertBank.FromMapped(options, file, Offset, packed.PackedBytes);
        ExpertBank shared = ExpertBank.FromMapped(options, file, Offset, packed.PackedBytes);
        var layer = new MoELayer(router, routed, new MoELayerOptions { SharedExperts = shared });
        var before = new float[_hidden.Length];
        var after = new float[_hidden.Length];
        layer.Forward(_hidden, Tokens, before);

        file.Dispose();
        routed.Dispose();
        shared.Dispose();
        File.Delete(Path);
        layer.Forward(_hidden, Tokens, after);

        Assert.Equal(RoutingOracle.Bits(before), RoutingOracle.Bits(after));
        Assert.True(OpenFiles.Map(Path));
        layer.Dispose();
        Assert.False(OpenFiles.Map(Path));
    }

    [Fact]
    public void Layer_WhenNothingIsDisposed_GivesTheMappingUpWithItsLastUser()
    {
        using (ExpertBank packed = ExpertBank.CreateRandom(Options()))
        {
            Save(packed);
        }

        Forget();
        for (int i = 0; i < 10 && OpenFiles.Map(Path); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(OpenFiles.Map(Path));
    }

    [Fact]
    public void FromMapped_WhenTheRangeDoesNotFit_IsRefused()
    {
        ExpertBankOptions options = Options();
        using ExpertBank packed = ExpertBank.CreateRandom(options);
        Save(packed);
        using MappedFile file = MappedFile.Open(Path);
        long bytes = packed.PackedBytes;

        Assert.Throws<ArgumentOutOfRangeException>(() => ExpertBank.FromMapped(options, file, Offset + 64, bytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => ExpertBank.FromMapped(options, file, -64, bytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => ExpertBank.FromMapped(options, file, 0, -bytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => ExpertBank.FromMapped(options, file, long.MaxValue, bytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => ExpertBank.FromMapped(options, file, 0, long.MaxValue));
        var wrong = Assert.Throws<RoutingValidationException>(() => ExpertBank.FromMapped(options, file, Offset, bytes - 64));
        Assert.Contains(bytes.ToString(), wrong.Message, StringComparison.Ordinal);
        var unaligned = Assert.Throws<RoutingValidationException>(() => ExpertBank.FromMapped(options, file, Offset - 32, bytes));
        Assert.Contains("offset (96) is not a multiple of 64", unaligned.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => ExpertBank.FromMapped(options, null!, 0, bytes));
        Assert.Throws<ArgumentNullException>(() => ExpertBank.FromMapped(null!, file, 0, bytes));
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => ExpertBank.FromMapped(options, file, Offset, bytes));
    }

    // Either the layer holds the mapping, or it is not made; it never reads memory that is gone.
    [Fact]
    public async Task Constructor_WhenTheBankIsDisposedMeanwhile_MakesALayerThatRunsOrNone()
    {
        ExpertBankOptions options = Options();
        using ExpertBank packed = ExpertBank.CreateRandom(options);
        Save(packed);
        using var router = new DynamicRouter(new DynamicRouterOptions { InputDim = Dim, NumExperts = options.NumExperts });
        var output = new float[_hidden.Length];
        for (int i = 0; i < 100; i++)
        {
            MappedFile file = MappedFile.Open(Path);
            ExpertBank bank = ExpertBank.FromMapped(options, file, Offset, packed.PackedBytes);
            file.Dispose();
            Task disposal = Task.Run(bank.Dispose);

            try
            {
                using var layer = new MoELayer(router, bank, new MoELayerOptions { SharedExperts = bank });
                await disposal;
                layer.Forward(_hidden, Tokens, output);
            }
            catch (ObjectDisposedException)
            {
                await disposal;
            }
        }

        Assert.False(OpenFiles.Map(Path));
    }

    [Fact]
    public void SetExpert_WhenMapped_IsRefused()
    {
        ExpertBankOptions options = Options();
        using ExpertBank packed = ExpertBank.CreateRandom(options);
        Save(packed);
        using MappedFile file = MappedFile.Open(Path);
        using ExpertBank mapped = ExpertBank.FromMapped(options, file, Offset, packed.PackedBytes);
        var weights = new float[options.Hidden * options.Width];

        Assert.Throws<RouterConfigurationException>(() => mapped.SetExpert(0, ExpertWeights.FromFloat32(weights, weights, weights)));
    }

    [Fact]
    public void WritePacked_WhenAnExpertHasNoWeights_WritesNothing()
    {
        using ExpertBank empty = ExpertBank.Create(Options());
        using var stream = new MemoryStream();

        var e = Assert.Throws<RouterConfigurationException>(() => empty.WritePacked(stream));

        Assert.Contains("expert 0", e.Message, StringComparison.Ordinal);
        Assert.Equal(0, stream.Length);
        empty.Dispose();
        Assert.Throws<ObjectDisposedException>(() => empty.WritePacked(stream));
    }

    public void Dispose() => _directory.Dispose();

    private static ExpertBankOptions Options(ExpertKind kind = ExpertKind.SwiGlu, WeightFormat format = WeightFormat.Float32, bool bias = false) =>
        new() { NumExperts = 4, Hidden = Dim, Width = kind == ExpertKind.Linear ? Dim : 40, Kind = kind, Format = format, UseBias = bias };

    private void Save(ExpertBank bank)
    {
        using FileStream stream = File.Create(Path);
        stream.Position = Offset;
        bank.WritePacked(stream);
    }

    private float[] Run(ExpertBank bank)
    {
        using var router = new DynamicRouter(new DynamicRouterOptions { InputDim = Dim, NumExperts = bank.NumExperts });
        using var layer = new MoELayer(router, bank);
        var output = new float[_hidden.Length];
        layer.Forward(_hidden, Tokens, output);
        return output;
    }

    // In a method of its own, so that no local keeps anything alive.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Forget()
    {
        ExpertBankOptions options = Options();
        MappedFile file = MappedFile.Open(Path);
        ExpertBank bank = ExpertBank.FromMapped(options, file, Offset, file.Length - Offset);
        var router = new DynamicRouter(new DynamicRouterOptions { InputDim = Dim, NumExperts = options.NumExperts });
        new MoELayer(router, bank).Forward(_hidden, Tokens, new float[_hidden.Length]);
        Assert.True(OpenFiles.Map(Path));
    }
}
