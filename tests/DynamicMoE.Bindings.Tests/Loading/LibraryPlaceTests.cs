namespace DynamicMoE.Bindings.Tests.Loading;

public class LibraryPlaceTests
{
    [Fact]
    public void List_WhenNothingIsChosen_AsksApplicationThenPackageThenSystem() =>
        Assert.Equal(
            ["/app/libdynamicmoe.so", "/app/runtimes/linux-x64/native/libdynamicmoe.so", "libdynamicmoe.so"],
            LibraryPlace.List(null, "", "/app", "linux-x64").Select(place => place.Path));

    [Fact]
    public void List_WhenEnvironmentNamesAFile_AsksOnlyThere() =>
        Assert.Equal(["/env/lib.so"], LibraryPlace.List(null, "/env/lib.so", "/app", "linux-x64").Select(place => place.Path));

    [Fact]
    public void List_WhenCodeAndEnvironmentNameAPath_CodeWins() =>
        Assert.Equal(["/code/lib.so"], LibraryPlace.List("/code/lib.so", "/env/lib.so", "/app", "linux-x64").Select(place => place.Path));

    [Fact]
    public void List_WhenPathIsAFolder_TakesTheLibraryInIt()
    {
        string folder = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        Assert.Equal([Path.Combine(folder, "libdynamicmoe.so")], LibraryPlace.List(folder, null, "/app", "linux-x64").Select(place => place.Path));
    }
}
