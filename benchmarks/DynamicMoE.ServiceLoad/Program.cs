using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using DynamicMoE.ServiceLoad;
using DynamicMoE.ServiceLoad.Corruption;
using DynamicMoE.ServiceLoad.Drain;
using DynamicMoE.ServiceLoad.Fuzz;
using DynamicMoE.ServiceLoad.Kill;
using DynamicMoE.ServiceLoad.Overload;
using DynamicMoE.ServiceLoad.Report;
using DynamicMoE.ServiceLoad.Rotation;
using DynamicMoE.ServiceLoad.Vanish;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

IScenario[] scenarios =
[
    new OverloadScenario(), new KillScenario(), new DrainScenario(), new RotationScenario(), new VanishScenario(), new FuzzScenario(), new CorruptionScenario(),
];
const int WholeCount = 100_000, ShortCount = 1500;

var names = new Argument<string[]>("scenario") { Description = $"all, or some of {string.Join(", ", scenarios.Select(s => s.Name))}." };
names.AcceptOnlyFromAmong(["all", .. scenarios.Select(s => s.Name)]);
var brief = new Option<bool>("--short") { Description = "Seconds and small counts." };
var count = new Option<int?>("--count") { Description = $"Requests of the fuzzer. Default: {WholeCount}, or {ShortCount} with --short." };
var seed = new Option<int>("--seed") { Description = "Of everything that is random.", DefaultValueFactory = _ => 1 };
var server = new Option<string?>("--server") { Description = "dmoe.dll. Default: what the repository has built in this configuration." };
var output = new Option<string?>("--out") { Description = "Folder for service.md and service.json." };
var trx = new Option<string?>("--trx") { Description = "File for the results as a test run." };
var command = new RootCommand("Load and faults for `dmoe serve`: its own processes, loopback only.") { names, brief, count, seed, server, output, trx };
command.SetAction(async (parsed, cancellation) =>
{
    bool isShort = parsed.GetValue(brief);
    var setup = new Setup(
        parsed.GetValue(server) ?? BuiltServer.Find(), isShort, parsed.GetValue(seed), parsed.GetValue(count) ?? (isShort ? ShortCount : WholeCount));
    string[] wanted = parsed.GetValue(names)!;
    List<Findings> done = [];
    foreach (IScenario scenario in scenarios.Where(s => wanted.Contains("all") || wanted.Contains(s.Name)))
    {
        var findings = new Findings(scenario.Name, scenario.Question);
        done.Add(findings);
        Console.WriteLine($"{scenario.Name} (seed {setup.Seed})");
        long begin = Stopwatch.GetTimestamp();
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        bound.CancelAfter(setup.Pick(TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(3)));
        try
        {
            await scenario.RunAsync(setup, findings, bound.Token);
        }
        catch (Exception error) when (!cancellation.IsCancellationRequested)
        {
            findings.Failed(error);
            Console.Error.WriteLine(error);
        }

        findings.Took = Stopwatch.GetElapsedTime(begin);
        Console.WriteLine($"{(findings.Hold ? "passed" : "FAILED")} {scenario.Name} in {findings.Took.TotalSeconds:0.0} s\n");
    }

    if (parsed.GetValue(output) is { } folder)
    {
        ReportFiles.Write(folder, $"DynamicMoE.ServiceLoad {string.Join(' ', args)}", setup, done);
    }

    if (parsed.GetValue(trx) is { } file)
    {
        TrxFile.Write(file, done);
    }

    return done.TrueForAll(findings => findings.Hold) ? 0 : 1;
});
return await command.Parse(args).InvokeAsync();
