// One pipeline: native -> bindings -> managed -> tests -> pack.
// Call it through build.sh, which sees to it that the tools are there.
var target = Argument("target", "Build");
var extras = Argument("with", "").Split(',', StringSplitOptions.RemoveEmptyEntries);
const string Header = "native/include/dynamicmoe/dynamicmoe.h";
const string HeaderHash = "bindings/DynamicMoE.Bindings/Generated/header.sha256";
const string Generator = "bindings/generator/DynamicMoE.BindingGenerator.csproj";
const string Tool = "src/DynamicMoE.Cli";
const string Solution = "DynamicMoE.sln";
const string NativeBuild = "artifacts/native/release";
const string Results = "artifacts/test-results";
const string NewestGlibc = "2.34";

var release = new DotNetBuildSettings { Configuration = "Release", NoLogo = true, Verbosity = DotNetVerbosity.Minimal };

void Run(string tool, string arguments)
{
    var exitCode = StartProcess(tool, arguments);
    if (exitCode != 0) throw new CakeException($"{tool} {arguments}: exit code {exitCode}");
}

void BuildNative(string preset, bool tests, bool benchmarks = false)
{
    Run("cmake", $"--preset {preset} --log-level=WARNING -DDYNAMIC_MOE_TESTS={tests} -DDYNAMIC_MOE_BENCHMARKS={benchmarks}");
    Run("cmake", $"--build artifacts/native/{preset}");
}

// Each run writes one machine-readable file per test program; .ci/run counts them.
void RunNativeTests(string preset, string results, string options = "")
{
    EnsureDirectoryExists(results);
    Run("ctest", $"--test-dir artifacts/native/{preset} --output-on-failure --no-tests=error --timeout 300 {options} "
        + $"--output-junit {MakeAbsolute(File($"{results}/native-{preset}.junit.xml"))}");
}

void RunManagedTests(FilePath project, string results, string filter = "")
{
    var name = project.GetFilenameWithoutExtension();
    Run("dotnet", $"vstest {project.GetDirectory()}/bin/Release/net10.0/{name}.dll --ResultsDirectory:{results} "
        + $"\"--logger:trx;LogFileName={name}.trx\" \"--logger:console;verbosity=minimal\" "
        + (filter.Length == 0 ? "" : $"\"--TestCaseFilter:{filter}\" ")
        + "\"--Blame:CollectHangDump;HangDumpType=none;TestTimeout=300000\" "
        + "-- RunConfiguration.TreatNoTestsAsError=true");
}

void RunGenerator(string arguments) => DotNetRun(Generator, arguments, new DotNetRunSettings { Configuration = "Release" });

string HashLine() => $"{CalculateFileHash(Header).ToHex().ToLowerInvariant()}  {Header}\n";
bool BindingsAreStale() => !FileExists(HeaderHash) || System.IO.File.ReadAllText(HeaderHash) != HashLine();

// ---- build ----
Task("Native").Does(() => BuildNative("release", tests: false));

Task("Bindings").Does(() => RunGenerator(""));

Task("StaleBindings").WithCriteria(BindingsAreStale, "the header is unchanged").Does(() => RunGenerator(""));

Task("Build").IsDependentOn("Native").IsDependentOn("StaleBindings").Does(() => DotNetBuild(Tool, release));

Task("NativeTests").Does(() => BuildNative("release", tests: true));

Task("BuildTests").IsDependentOn("NativeTests").IsDependentOn("StaleBindings").Does(() => DotNetBuild("tests/Tests.slnf", release));

Task("BuildAll").IsDependentOn("NativeTests").IsDependentOn("StaleBindings").Does(() => DotNetBuild(Solution, release));

Task("Demo").IsDependentOn("Build").Does(() => Run("dotnet", $"{Tool}/bin/Release/net10.0/dmoe.dll eval"));

// ---- tests ----
Task("Test").IsDependentOn("BuildTests")
    .Does(() => CleanDirectory($"{Results}/test"))
    .Does(() => RunNativeTests("release", $"{Results}/test"))
    .DoesForEach(() => GetFiles("tests/*.Tests/*.csproj"), project => RunManagedTests(project, $"{Results}/test"))
    .DeferOnError();

Task("TestNativeAsan").Does(() => BuildNative("asan", tests: true)).Does(() => RunNativeTests("asan", $"{Results}/check"));

Task("TestNativeTsan").Does(() => BuildNative("tsan", tests: true)).Does(() => RunNativeTests("tsan", $"{Results}/check"));

// The running service under load and faults, in the short form, and beside programs of others: `--with` says which of them.
Task("TestService").IsDependentOn("Build")
    .Does(() => CleanDirectory($"{Results}/service"))
    .Does(() =>
    {
        const string Load = "benchmarks/DynamicMoE.ServiceLoad";
        DotNetBuild(Load, release);
        Run("dotnet", $"{Load}/bin/Release/net10.0/DynamicMoE.ServiceLoad.dll all --short --trx {Results}/service/DynamicMoE.ServiceLoad.trx");
    })
    .Does(() => DotNetBuild("tests/DynamicMoE.ServiceTests", release))
    .Does(() => RunManagedTests("tests/DynamicMoE.ServiceTests/DynamicMoE.ServiceTests.csproj", $"{Results}/service",
        string.Join('|', extras.Prepend("operations").Select(extra => $"with={extra}"))))
    .DeferOnError();

// What this machine cannot run by itself: the AArch64 build, and processors of x86-64 that have less, by qemu-user.
Task("TestIsa")
    .Does(() => BuildNative("aarch64", tests: true))
    .Does(() => BuildNative("release", tests: true))
    .Does(() => CleanDirectory($"{Results}/isa"))
    .Does(() => RunNativeTests("aarch64", $"{Results}/isa", "--parallel 2"))
    .Does(() => RunNativeTests("release", $"{Results}/isa", "-C Emulated -R ^IsaEmulated --parallel 2"))
    .DeferOnError();

// Written anew from the sources: the fixer adds what is missing and leaves what is gone. Members that a release had and this one drops are marked by hand.
Task("PublicApi").DoesForEach(() => GetFiles("src/*/PublicAPI.Unshipped.txt"), list =>
{
    var removed = System.IO.File.ReadAllLines(list.FullPath).Where(line => line.StartsWith("*REMOVED*"));
    System.IO.File.WriteAllLines(list.FullPath, removed.Prepend("#nullable enable"));
    Run("dotnet", $"format analyzers {list.GetDirectory()} --diagnostics RS0016");
});

// ---- checks: cheap ones first ----
// The ABI header is left out: it keeps one declaration and its documentation per line.
Task("CheckNativeFormat").Does(() =>
{
    var sources = GetFiles("native/src/**/*.{hpp,cpp,inl}") + GetFiles("native/cuda/{driver,host}/*.{hpp,cpp}") + GetFiles("tests/native/**/*.{hpp,cpp}") + GetFiles("benchmarks/native/**/*.{hpp,cpp}");
    // The sources are formatted by version 14; a later one wraps some lines otherwise.
    var formatter = Context.Tools.Resolve("clang-format-14") is null ? "clang-format" : "clang-format-14";
    Run(formatter, "--dry-run -Werror " + string.Join(" ", sources));
});

// What is packed must load on every distribution that .NET 10 supports; the tests build for this machine only.
Task("CheckLibrary").IsDependentOn("Native").Does(() =>
    Run("cmake", $"-DLIBRARY={NativeBuild}/libdynamicmoe.so -DHEADER={Header} -DNEWEST_GLIBC={NewestGlibc} -P tests/native/CheckLibrary.cmake"))
    .Does(() => Run("cmake", $"-DOBJECTS={NativeBuild}/native -P tests/native/isa/CheckObjects.cmake"));

// Where clang 19 can be had (build.sh installs it): other machines need not be able to compile the kernels.
Task("CheckKernels")
    .WithCriteria(() => Context.Tools.Resolve("clang++-19") is not null, "there is no clang++-19")
    .Does(() => Run("cmake", "--preset release --log-level=WARNING"))
    .Does(() => Run("cmake", $"--build {NativeBuild} --target cuda_ptx_check"));

Task("CheckBindings").Does(() => RunGenerator("--verify"));

// The PTX of the CUDA kernels, after a change of one.
Task("Kernels")
    .Does(() => Run("cmake", "--preset release --log-level=WARNING"))
    .Does(() => Run("cmake", $"--build {NativeBuild} --target cuda_ptx"));

// Style rules and analyzers run in the build, where a warning is an error; this adds what only the formatter sees.
Task("CheckFormat").Does(() => Run("dotnet", "format whitespace . --folder --verify-no-changes --exclude **/obj/** **/bin/** artifacts"));

Task("CheckArchitecture").IsDependentOn("BuildAll").Does(() =>
    RunManagedTests("tests/DynamicMoE.Architecture.Tests/DynamicMoE.Architecture.Tests.csproj", $"{Results}/check"));

// Here and not among the tests: it brings ONNX Runtime along.
Task("CheckPeers").IsDependentOn("BuildAll").Does(() =>
    RunManagedTests("benchmarks/DynamicMoE.Peers.Tests/DynamicMoE.Peers.Tests.csproj", $"{Results}/check"));

Task("Check")
    .IsDependentOn("CheckNativeFormat")
    .IsDependentOn("CheckFormat")
    .IsDependentOn("CheckBindings")
    .IsDependentOn("CheckKernels")
    .IsDependentOn("CheckLibrary")
    .IsDependentOn("CheckArchitecture")
    .IsDependentOn("CheckPeers")
    .IsDependentOn("TestNativeAsan")
    .IsDependentOn("TestNativeTsan");

// ---- benchmarks, model, packages ----
Task("Bench").Does(() =>
{
    BuildNative("release", tests: false, benchmarks: true);
    Run($"{NativeBuild}/benchmarks/native/dynamicmoe_op_benchmarks", "");
    Run($"{NativeBuild}/benchmarks/native/dynamicmoe_native_benchmarks", "");
    Run("dotnet", "run -c Release --project benchmarks/DynamicMoE.Benchmarks -- --filter *");
});

Task("Limits").Does(() =>
{
    BuildNative("release", tests: false, benchmarks: true);
    Run($"{NativeBuild}/benchmarks/native/dynamicmoe_limits", "");
});

// Only builds: a full run takes half an hour on an idle machine. `dmoe bench layer --peers` finds what this builds.
Task("Peers").IsDependentOn("Build").Does(() => DotNetBuild("benchmarks/DynamicMoE.Peers", release));

Task("TrainTinyMoE").IsDependentOn("Build").Does(() =>
{
    Run("dotnet", "run -c Release --project benchmarks/TinyMoE.Training -- train");
    Run("dotnet", "run -c Release --project benchmarks/TinyMoE.Training -- corpus --out artifacts/corpus");
    Run("dotnet", "run -c Release --project src/DynamicMoE.Cli -- calibrate --text artifacts/corpus/calibration.txt --max-bytes 131072 "
        + "--sensitivity-tokens 131072 --out src/DynamicMoE.Cli/TinyMoE/dynamicmoe.calibration.json --force");
});

Task("Golden").IsDependentOn("Build").Does(() => Run("dotnet", "run -c Release --project benchmarks/TinyMoE.Training -- golden"));

// The time in a package is that of its commit, so that one commit gives the same bytes whenever it is packed.
void Pack(string folder, string version = null)
{
    var time = EnvironmentVariable("SOURCE_DATE_EPOCH");
    if (time is null && StartProcess("git", new ProcessSettings { Arguments = "log -1 --format=%ct", RedirectStandardOutput = true, RedirectStandardError = true }, out var lines) == 0)
    {
        time = lines.FirstOrDefault();
    }

    CleanDirectory(folder);
    var settings = new DotNetPackSettings { Configuration = "Release", NoLogo = true, OutputDirectory = folder, MSBuildSettings = new DotNetMSBuildSettings() };
    if (time is not null) settings.MSBuildSettings.WithProperty("DeterministicTimestamp", time);
    if (version is not null) settings.MSBuildSettings.WithProperty("PackageVersion", version);
    DotNetPack("src/Packages.slnf", settings);
}

Task("Pack").IsDependentOn("Native").IsDependentOn("StaleBindings").IsDependentOn("CheckLibrary").Does(() => Pack("artifacts/packages"));

// NuGet keeps what it has seen of a version: each run packs one that no machine has.
Task("TestPackages").IsDependentOn("Native").IsDependentOn("StaleBindings").IsDependentOn("CheckLibrary")
    .Does(() => Pack("artifacts/test-packages", $"{XmlPeek("Directory.Build.props", "//VersionPrefix")}-test.{DateTimeOffset.UtcNow.ToUnixTimeSeconds()}"))
    .Does(() => DotNetPublish("tests/AotTest", new DotNetPublishSettings { Configuration = "Release", NoLogo = true, OutputDirectory = "artifacts/aot-test" }))
    .Does(() => DotNetBuild("tests/PackageTest", release))
    .Does(() => CleanDirectory($"{Results}/packages"))
    .Does(() => RunManagedTests("tests/PackageTest/PackageTest.csproj", $"{Results}/packages"));

Task("Clean").Does(() =>
{
    CleanDirectories(["artifacts/native", "artifacts/packages", "artifacts/test-packages", "artifacts/aot-test", "artifacts/test-results"]);
    CleanDirectories(GetDirectories("{src,tests,bindings,benchmarks}/**/{bin,obj}"));
});

RunTarget(target);
