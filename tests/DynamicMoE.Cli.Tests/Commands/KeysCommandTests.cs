using System.Security.Cryptography;
using System.Text;
using Xunit;

namespace DynamicMoE.Cli.Tests.Commands;

public sealed class KeysCommandTests
{
    [Theory]
    [InlineData("user")]
    [InlineData("admin", "--admin")]
    [InlineData("user limit=5", "--limit", "5")]
    public async Task Create_WhenAsked_PrintsAKeyAndTheLineOfItsHash(string rest, params string[] options)
    {
        ToolRun run = await ToolRun.Of(["keys", "create", "--name", "alice", .. options]);
        string[] lines = run.Out.Split('\n');
        string key = lines[0]["key   ".Length..];

        Assert.Equal((ExitCodes.Ok, ""), (run.ExitCode, run.Error));
        Assert.Equal($"line  alice sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))} {rest}", lines[1]);
    }

    [Fact]
    public async Task Create_WhenTheNameIsWrong_SaysSo() =>
        (await ToolRun.Of("keys", "create", "--name", "a b")).RequireFailure(
            ExitCodes.Failure, "--name 'a b' is not of 1..64 letters, digits, dots, dashes and underscores");
}
