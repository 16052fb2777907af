namespace DynamicMoE.Bindings.Tests.Loading;

public class LibraryLoaderTests
{
    [Fact]
    public void LoadFirst_WhenNoPlaceHasIt_ListsEveryPlace()
    {
        IReadOnlyList<LibraryPlace> places = LibraryPlace.List(null, null, "/nowhere", "linux-x64");
        LibraryPlace[] missing = [.. places.Take(2), new LibraryPlace("libdynamicmoe-none.so", "system search")];
        var failure = Assert.Throws<DllNotFoundException>(() => LibraryLoader.LoadFirst(missing));
        Assert.All(missing, place => Assert.Contains(place.ToString(), failure.Message, StringComparison.Ordinal));
        Assert.Contains("DYNAMIC_MOE_NATIVE_PATH", failure.Message, StringComparison.Ordinal);

        // Each part ends as a sentence does: tools show the message in one line.
        Assert.Equal(
            "The native library of DynamicMoE was not found. Tried:\n  /nowhere/x.so (path set in code): no such file.\n"
            + "Reference the package DynamicMoE.Runtime or set DYNAMIC_MOE_NATIVE_PATH.",
            Assert.Throws<DllNotFoundException>(() => LibraryLoader.LoadFirst([new LibraryPlace("/nowhere/x.so", "path set in code")])).Message);
    }

    [Fact]
    public void LoadFirst_WhenFileIsNoLibrary_ListsIt()
    {
        string path = Path.GetTempFileName();
        try
        {
            var failure = Assert.Throws<DllNotFoundException>(() => LibraryLoader.LoadFirst([new LibraryPlace(path, "path set in code")]));
            Assert.Contains(path, failure.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void LoadFirst_WhenLibraryIsAnother_SaysSo()
    {
        var failure = Assert.ThrowsAny<DllNotFoundException>(() => LibraryLoader.LoadFirst([new LibraryPlace("libm.so.6", "system search")]));
        Assert.Contains("dmoe_abi_version", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData((uint)DmoeAbi.Major, (uint)DmoeAbi.Minor, true)]
    [InlineData((uint)DmoeAbi.Major, (uint)DmoeAbi.Minor + 1, true)]
    [InlineData((uint)DmoeAbi.Major + 1, (uint)DmoeAbi.Minor, false)]
    [InlineData((uint)DmoeAbi.Major - 1, 9u, false)]
    public void Fits_WhenVersionsDiffer_NeedsEqualMajorAndMinorNotBelow(uint major, uint minor, bool expected) =>
        Assert.Equal(expected, LibraryLoader.Fits(major << 16 | minor));
}
