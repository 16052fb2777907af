using Spectre.Console;

namespace DynamicMoE.Cli.Terminal;

/// <summary>Shows where a long run is, on the error stream: a bar on a terminal, a line for each step otherwise. It draws only when the run reports, and a
/// run reports between measurements: nothing is drawn while something is timed.</summary>
internal static class ProgressDisplay
{
    /// <summary>Runs with progress.</summary>
    /// <param name="console">Where to show it.</param>
    /// <param name="work">The run.</param>
    public static T Run<T>(ToolConsole console, Func<IProgress<BenchmarkProgress>, T> work)
    {
        if (!console.ErrorIsTerminal)
        {
            return work(new LineProgress(console.Error));
        }

        IAnsiConsole terminal = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(console.Error) });
        return terminal.Progress()
            .AutoRefresh(false)
            .AutoClear(true)
            .Columns(new ProgressBarColumn(), new PercentageColumn(), new TaskDescriptionColumn { Alignment = Justify.Left })
            .Start(context => work(new BarProgress(context)));
    }

    private sealed class LineProgress(TextWriter writer) : IProgress<BenchmarkProgress>
    {
        public void Report(BenchmarkProgress value)
        {
            if (value.Current.Length > 0)
            {
                writer.WriteLine(FormattableString.Invariant($"{value.Benchmark} {value.Done + 1}/{value.Total}: {value.Current}"));
            }
        }
    }

    private sealed class BarProgress(ProgressContext context) : IProgress<BenchmarkProgress>
    {
        private readonly ProgressTask _task = context.AddTask("start");

        public void Report(BenchmarkProgress value)
        {
            _task.MaxValue = Math.Max(1, value.Total);
            _task.Value = value.Done;
            _task.Description = Markup.Escape($"{value.Benchmark}: {value.Current}");
            context.Refresh();
        }
    }
}
