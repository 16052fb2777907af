namespace DynamicMoE.Architecture.Tests.SpecMap;

/// <summary>The rules of the map on rows made up for them.</summary>
public class SpecRulesTests
{
    private const string Sample = "DynamicMoE.Architecture.Tests.SpecMap.SpecSample";
    private static readonly MemberLookup Lookup = new([typeof(SpecSample)], ["SampleTests.Works"]);

    [Theory]
    [InlineData("class", Sample)]
    [InlineData("field", Sample + ".Size")]
    [InlineData("parameter", Sample + ".Size")]
    [InlineData("method", Sample + ".Run")]
    [InlineData("parameter", Sample + ".Run(count)")]
    [InlineData("parameter", Sample + ".#ctor(size)")]
    public void Gaps_WhenMemberExists_IsEmpty(string kind, string member) => Assert.Empty(SpecRules.Gaps([Done(kind, member)], Lookup));

    [Theory]
    [InlineData("class", "DynamicMoE.Missing")]
    [InlineData("class", Sample + ".Size")]
    [InlineData("field", Sample + ".Run")]
    [InlineData("method", Sample + ".Hidden")]
    [InlineData("parameter", Sample + ".Run")]
    [InlineData("parameter", Sample + ".Run(size)")]
    [InlineData("exception", Sample)]
    [InlineData("thing", Sample)]
    public void Gaps_WhenMemberIsMissingOrOfAnotherKind_NamesIt(string kind, string member) =>
        Assert.Contains(member, Assert.Single(SpecRules.Gaps([Done(kind, member)], Lookup)), StringComparison.Ordinal);

    [Fact]
    public void Gaps_WhenTestIsMissing_NamesIt() =>
        Assert.Equal(["x: no test SampleTests.Missing"], SpecRules.Gaps([Done("class", Sample) with { Test = "SampleTests.Missing" }], Lookup));

    [Fact]
    public void Gaps_WhenRowIsOpen_IgnoresIt() =>
        Assert.Empty(SpecRules.Gaps([Done("class", "DynamicMoE.Missing") with { Open = true }], Lookup));

    [Fact]
    public void OpenButThere_WhenMemberExists_NamesIt() =>
        Assert.Single(SpecRules.OpenButThere([Done("class", Sample) with { Open = true }, Done("class", "DynamicMoE.Missing") with { Open = true }], Lookup));

    [Fact]
    public void Contradictions_WhenItemStandsTwice_NamesIt() =>
        Assert.Equal(["x: 2 rows"], SpecRules.Contradictions([Done("class", Sample), Done("class", Sample)]));

    [Fact]
    public void Contradictions_WhenMemberHasTwoNamesOrTwoStates_NamesIt() =>
        Assert.Equal(2, SpecRules.Contradictions(
            [Done("class", Sample) with { Item = "A.b" }, Done("class", Sample) with { Item = "A.c", Open = true }]).Count());

    [Fact]
    public void Contradictions_WhenEnvironmentAndParameterShareAName_IsEmpty() =>
        Assert.Empty(SpecRules.Contradictions(
            [Done("class", Sample) with { Item = "A.cache_size" }, Done("class", Sample) with { Item = "DYNAMIC_MOE_CACHE_SIZE" }]));

    [Theory]
    [InlineData("class\tx\tDynamicMoE.A\t-\t4")]
    [InlineData("class\tx\tDynamicMoE.A\tATests.B\topen:4")]
    [InlineData("class\tx\tDynamicMoE.A\tATests.B\t9")]
    [InlineData("class\tx\tOther.A\tATests.B\t1")]
    public void Mistakes_WhenColumnsContradict_NamesTheRow(string line) => Assert.Single(SpecRules.Mistakes(SpecRow.Parse("kind\titem\tmember\ttest\tissue\n" + line)));

    [Theory]
    [InlineData("class\tx\tDynamicMoE.A\n")]
    [InlineData("kind\titem\tmember\ttest\tissue\nclass\tx\n")]
    public void Parse_WhenColumnsAreMissing_Fails(string text) => Assert.Throws<FormatException>(() => SpecRow.Parse(text));

    private static SpecRow Done(string kind, string member) => new(kind, "x", member, "SampleTests.Works", 1, Open: false);
}

/// <summary>A type for <see cref="SpecRulesTests"/> to look at.</summary>
public class SpecSample(int size)
{
    public int Size => size;

    public int Run(int count) => count + Hidden();

    private int Hidden() => size;
}
