using System.Diagnostics;
using System.Text;

namespace DynamicMoE.Hosting.Tests.Yaml;

public sealed class YamlReaderTests
{
    [Theory]
    [InlineData("router:\n  inputdim: 5\n", "config.yaml:2:3: router.inputdim is not a known key; did you mean router.input_dim?")]
    [InlineData("routers:\n  tau: 5\n", "config.yaml:1:1: routers is not a known key; did you mean router?")]
    [InlineData("tau: 0.5\n", "config.yaml:1:1: tau is not a known key; did you mean router.tau?")]
    [InlineData("router:\n  Tau: 0.5\n", "config.yaml:2:3: router.Tau is not a known key; did you mean router.tau?")]
    [InlineData("zzzz: {a: [1, {b: 2}], c: 3}\n", "config.yaml:1:1: zzzz is not a known key")]
    [InlineData("router:\n  tau: 0.5\n  tau: 0.6\n", "config.yaml:3:3: router.tau is set twice, before in line 2")]
    [InlineData("router: {tau: 0.5}\nrouter: {top_p: 0.6}\n", "config.yaml:2:1: router is set twice, before in line 1")]
    [InlineData("router: 5\n", "config.yaml:1:9: router is a group of keys, not a value")]
    [InlineData("router: [1]\n", "config.yaml:1:9: router is a group of keys, not a value")]
    [InlineData("router: {estimator: x}\n", "config.yaml:1:21: router.estimator is a group of keys, not a value")]
    [InlineData("router: {tau: {a: 1}}\n", "config.yaml:1:15: router.tau is a group of keys, must be a number in 0..1")]
    [InlineData("router: {tau: [0.5]}\n", "config.yaml:1:15: router.tau is a list, must be a number in 0..1")]
    [InlineData("router: {tau: '0.5'}\n", "config.yaml:1:15: router.tau is the text '0.5', must be a number in 0..1")]
    [InlineData("router: {tau: |\n  0.5\n  }\n", "config.yaml:1:16: this is not YAML: While scanning for the next token, found character that cannot start any token.")]
    [InlineData("router: {tau: }\n", "config.yaml:1:15: router.tau has no value, must be a number in 0..1")]
    [InlineData("router: {load_balancing: \"true\"}\n", "config.yaml:1:26: router.load_balancing is the text 'true', must be true or false, or null")]
    [InlineData("router: {load_balancing: yes}\n", "config.yaml:1:26: router.load_balancing is 'yes', must be true or false, or null")]
    [InlineData("router: {min_experts: 1.0}\n", "config.yaml:1:23: router.min_experts is '1.0', must be a whole number in 1..4096")]
    [InlineData("benchmarking:\n  batch_sizes: [1, two]\n", "config.yaml:2:20: benchmarking.batch_sizes has an element that is 'two', must be 1..64 numbers, each a whole number in 1..65536")]
    [InlineData("benchmarking:\n  batch_sizes: [1, '2']\n", "config.yaml:2:20: benchmarking.batch_sizes has an element that is the text '2', must be 1..64 numbers, each a whole number in 1..65536")]
    [InlineData("benchmarking:\n  batch_sizes: [1, [2]]\n", "config.yaml:2:20: benchmarking.batch_sizes has an element that is no number, must be 1..64 numbers, each a whole number in 1..65536")]
    [InlineData("benchmarking:\n  batch_sizes: []\n", "config.yaml:2:16: benchmarking.batch_sizes is '', must be 1..64 numbers, each a whole number in 1..65536")]
    [InlineData("a: &x 1\n", "config.yaml:1:1: a is not a known key")]
    [InlineData("router: &x {tau: 0.5}\n", "config.yaml:1:9: router: anchors (&) are not allowed")]
    [InlineData("router: {tau: &x 0.5}\n", "config.yaml:1:15: router.tau: anchors (&) are not allowed")]
    [InlineData("router: {tau: *x}\n", "config.yaml:1:15: router.tau: aliases (*) are not allowed")]
    [InlineData("router: *x\n", "config.yaml:1:9: router: aliases (*) are not allowed")]
    [InlineData("router: {<<: {tau: 0.5}}\n", "config.yaml:1:10: router.<< is not a known key: merge keys are not allowed")]
    [InlineData("router: {tau: !!float 0.5}\n", "config.yaml:1:15: router.tau: tags (!) are not allowed")]
    [InlineData("router: {tau: !<tag:a,2000:b> 0.5}\n", "config.yaml:1:15: router.tau: tags (!) are not allowed")]
    [InlineData("benchmarking: {batch_sizes: [*x]}\n", "config.yaml:1:30: benchmarking.batch_sizes: aliases (*) are not allowed")]
    [InlineData("? [a]\n: 1\n", "config.yaml:1:3: a key must be a plain name")]
    [InlineData("router: {? {a: 1} : 2}\n", "config.yaml:1:12: a key must be a plain name")]
    [InlineData("- router\n", "config.yaml:1:1: the file must hold keys, such as router:")]
    [InlineData("router\n", "config.yaml:1:1: the file must hold keys, such as router:")]
    [InlineData("router: {tau: 0.5}\n---\nrouter: {tau: 0.6}\n", "config.yaml:2:1: a second document is not allowed")]
    [InlineData("router:\n\ttau: 0.5\n", "config.yaml:2:1: lines are indented with spaces, not with tabs")]
    [InlineData("router:\n  \ttau: 0.5\n", "config.yaml:2:3: lines are indented with spaces, not with tabs")]
    [InlineData("router: {tau: \"\\UFFFFFFFF\"}\n", null)]
    [InlineData("router: {tau: 0.5\n", null)]
    [InlineData("%YAML 9.9\n---\nrouter: {tau: 0.5}\n", null)]
    public void Read_WhenAFileIsWrong_NamesThePlaceAndGoesNoFurther(string yaml, string? problem)
    {
        string only = Assert.Single(Sources.ProblemsOf(yaml));

        if (problem is not null)
            Assert.Equal(problem, only);
        else
            Assert.Matches("^config.yaml:[1-3]:[0-9]+: this is not YAML: .+", only);
    }

    [Fact]
    public void Read_WhenSeveralThingsAreWrong_NamesEachInTheOrderOfLines() =>
        Assert.Equal(
            ["config.yaml:2:8", "config.yaml:3:3", "config.yaml:4:14", "config.yaml:6:3"],
            Sources.ProblemsOf("router:\n  tau: 2\n  top: 1\n  input_dim: x\noptimization:\n  a: 1\n").Select(line => line[..line.IndexOf(": ", StringComparison.Ordinal)]));

    [Theory]
    [InlineData("")]
    [InlineData("# a comment\n")]
    [InlineData("---\n...\n")]
    [InlineData("~\n")]
    [InlineData("router:\n")]
    [InlineData("router: {}\noptimization: ~\n")]
    [InlineData("\uFEFFrouter:\r\n  estimator: null\r\n")]
    public void Read_WhenNothingIsSet_LeavesTheDefaults(string yaml) =>
        Assert.All(Sources.Read(yaml).List(), value => Assert.Equal(SettingSourceKind.Default, value.Source.Kind));

    [Theory]
    [InlineData("router: {tau: 0.5, 'top_p': .5, \"seed\": 07}\n")]
    [InlineData("router:\n  tau: +0.5\n  top_p: 5e-1   # half\n  seed: 7\n")]
    [InlineData("---\n\"router\":\n    tau:     0.50\n    top_p:\n        0.5\n    seed: +7\n")]
    public void Read_WhenYamlIsWrittenDifferently_TakesTheSame(string yaml)
    {
        RouterSettings router = Sources.Read(yaml).Router;

        Assert.Equal((0.5f, 0.5f, 7ul), (router.Tau, router.TopP, router.Seed));
    }

    [Fact]
    public void Read_WhenTextIsQuoted_TakesIt() =>
        Assert.Equal(("router_margin", "a b"), (Sources.Read("router: {complexity_estimator: 'router_margin'}").Router.ComplexityEstimator,
            Sources.Read("benchmarking:\n  output_dir: \"a b\"\n").Benchmarking.OutputDir));

    // A parser whose time grows with the square of open brackets, and trees of aliases, are what such files are made for.
    [Fact]
    public void Read_WhenAFileIsMadeToTakeLong_EndsSoon()
    {
        string[] files =
        [
            new('[', 500_000),
            new('{', 500_000),
            string.Concat(Enumerable.Repeat("[a,", 300_000)),
            string.Concat(Enumerable.Repeat("- ", 500_000)),
            string.Concat(Enumerable.Repeat("? ", 500_000)),
            string.Concat(Enumerable.Range(0, 1000).Select(i => new string(' ', i) + "a:\n")),
            "a: &a [x,x]\n" + string.Concat(Enumerable.Range(0, 26).Select(i => $"b{i}: &b{i} [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n")),
            string.Concat(Enumerable.Range(0, 100_000).Select(i => $"k{i}: 1\n")),
            $"router: {{tau: {new string('9', 900_000)}}}",
            $"benchmarking: {{batch_sizes: [{string.Join(',', Enumerable.Repeat(1, 400_000))}]}}",
        ];
        var watch = Stopwatch.StartNew();

        foreach (string file in files)
        {
            string[] problems = Sources.ProblemsOf(file);
            Assert.InRange(problems.Length, 1, YamlReader.MostProblems + 1);
            Assert.All(problems, problem => Assert.InRange(problem.Length, 1, 500));
        }

        // Unbounded, the first alone takes more than an hour.
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void Read_WhenThereAreManyProblems_StopsAndSaysSo()
    {
        string[] problems = Sources.ProblemsOf(string.Concat(Enumerable.Range(0, 500).Select(i => $"key{i}: 1\n")));

        Assert.Equal(101, problems.Length);
        Assert.Contains("config.yaml: there are more problems, the rest of the file was not read", problems);
    }

    [Theory]
    [InlineData(new byte[] { 0xFF, 0xFE, 0x61, 0 }, "config.yaml: the file is UTF-16, UTF-8 is needed")]
    [InlineData(new byte[] { 0xFE, 0xFF, 0, 0x61 }, "config.yaml: the file is UTF-16, UTF-8 is needed")]
    [InlineData(new byte[] { 0x23, 0x0A, 0x23, 0x20, 0xE4, 0x0A }, "config.yaml:2:3: byte 0xE4 at offset 4 is not UTF-8")]
    [InlineData(new byte[] { 0x23, 0xC3, 0xA4, 0xED, 0xA0, 0x80, 0x0A }, "config.yaml:1:3: byte 0xED at offset 3 is not UTF-8")]
    [InlineData(new byte[] { 0x23, 0xC0, 0xAF }, "config.yaml:1:2: byte 0xC0 at offset 1 is not UTF-8")]
    [InlineData(new byte[] { 0x23, 0xE2, 0x82 }, "config.yaml:1:2: byte 0xE2 at offset 1 is not UTF-8")]
    [InlineData(new byte[] { 0x61, 0x3A, 0x20, 0x00 }, "config.yaml:1:4: the control character U+0000 is not allowed")]
    [InlineData(new byte[] { 0x23, 0x0A, 0x1B, 0x5B }, "config.yaml:2:1: the control character U+001B is not allowed")]
    [InlineData(new byte[] { 0x23, 0xC2, 0x9B }, "config.yaml:1:2: the control character U+009B is not allowed")]
    public void Read_WhenBytesAreNoText_NamesTheFirst(byte[] bytes, string problem) =>
        Assert.Equal([problem], YamlReader.Read(bytes, Sources.File).Problems.Select(found => found.ToString()));

    [Fact]
    public void Read_WhenAFileIsTooLarge_IsRefused()
    {
        byte[] largest = Encoding.UTF8.GetBytes("#".PadRight(YamlText.MostBytes, 'a'));

        Assert.Empty(YamlReader.Read(largest, Sources.File).Problems);
        Assert.Equal(
            ["config.yaml: the file has more than 1048576 bytes"], YamlReader.Read([.. largest, 0x61], Sources.File).Problems.Select(found => found.ToString()));
    }

    [Fact]
    public void Problem_WhenAValueHoldsControlCharacters_ShowsThemEscaped() =>
        Assert.Equal(
            ["config.yaml:1:15: router.tau is the text 'a\\u001B\\u000Ab', must be a number in 0..1"], Sources.ProblemsOf("router: {tau: \"a\\e\\nb\"}"));
}
