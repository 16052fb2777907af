using System.Security.Cryptography;
using System.Text;

namespace DynamicMoE.Server.Tests.Security.Keys;

public sealed class ApiKeyFileTests
{
    private const string Hash = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    [Fact]
    public void Read_WhenLinesAreWritten_HasTheirEntries()
    {
        string key = ApiKeyText.Create();
        string text = $"\ufeff# comment\r\n\r\n{ApiKeyText.Line("a.b-c_1", key)}\r\n\t{ApiKeyText.Line("root", "k", admin: true, hourlyLimit: 0)}\r\nplain {Hash.ToUpperInvariant().Replace("SHA256", "sha256", StringComparison.Ordinal)} limit=7";

        IReadOnlyList<ApiKey> keys = ApiKeyFile.Read(Encoding.UTF8.GetBytes(text));

        Assert.Equal(["a.b-c_1 False ", "root True 0", "plain False 7"], keys.Select(entry => $"{entry.Name} {entry.IsAdmin} {entry.HourlyLimit}"));
        Assert.Equal(SHA256.HashData(Encoding.UTF8.GetBytes(key)), keys[0].Hash);
    }

    [Theory]
    [InlineData("dmoe_secret", "line 1 has no sha256:HEX behind the name")]
    [InlineData("a dmoe_secret", "line 1 has no sha256:HEX behind the name")]
    [InlineData("\n\na sha256:secret", "line 3 has a hash that is not 64 hexadecimal digits")]
    [InlineData("a " + Hash + "00", "line 1 has a hash that is not 64 hexadecimal digits")]
    [InlineData("a " + Hash + "0", "line 1 has a hash that is not 64 hexadecimal digits")]
    [InlineData("a/b " + Hash, "line 1 has no name of 1..64 letters, digits, dots, dashes and underscores")]
    [InlineData("a " + Hash + " secret", "line 1 has a word that is neither user, admin nor limit=N")]
    [InlineData("a " + Hash + " limit=-1", "line 1 has a limit that is not one whole number in 0..2147483647")]
    [InlineData("a " + Hash + " limit=1 limit=2", "line 1 has a limit that is not one whole number in 0..2147483647")]
    [InlineData("a " + Hash + "\na sha256:ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff", "line 2 has the name of an earlier line")]
    [InlineData("a " + Hash + "\nb " + Hash, "line 2 has the hash of an earlier line")]
    public void Read_WhenALineIsWrong_NamesItAndNothingOfItsText(string text, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => ApiKeyFile.Read(Encoding.UTF8.GetBytes(text))).Message);

    [Fact]
    public void Read_WhenNotUtf8_Refuses() => Assert.Equal("the file is not UTF-8", Assert.Throws<FormatException>(() => ApiKeyFile.Read([0xff, 0xfe])).Message);

    [Fact]
    public void Create_WhenCalled_MakesKeysOf256RandomBits()
    {
        string[] keys = [.. Enumerable.Range(0, 100).Select(_ => ApiKeyText.Create())];

        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.All(keys, key => Assert.Matches("^dmoe_[A-Za-z0-9_-]{43}$", key));
    }

    [Fact]
    public void Line_WhenNameOrLimitIsWrong_Refuses()
    {
        Assert.Throws<ArgumentException>(() => ApiKeyText.Line("a b", "k"));
        Assert.Throws<ArgumentException>(() => ApiKeyText.Line(new string('a', 65), "k"));
        Assert.Throws<ArgumentOutOfRangeException>(() => ApiKeyText.Line("a", "k", hourlyLimit: -1));
    }
}
