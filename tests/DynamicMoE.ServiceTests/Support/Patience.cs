using System.Diagnostics;

namespace DynamicMoE.ServiceTests.Support;

/// <summary>Waits for what other programs do in their own time. The limit only ends a test that would hang.</summary>
internal static class Patience
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(100);

    public static async Task UntilAsync(Func<Task<bool>> holds, string what, Func<string>? state = null)
    {
        long start = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < s_limit, $"{what}: not within {s_limit.TotalSeconds} s. {state?.Invoke()}");
            await Task.Delay(s_step);
        }
    }

    public static Task UntilAsync(Func<bool> holds, string what) => UntilAsync(() => Task.FromResult(holds()), what);
}
