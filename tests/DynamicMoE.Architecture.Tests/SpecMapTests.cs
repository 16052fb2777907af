using DynamicMoE.Architecture.Tests.SpecMap;

namespace DynamicMoE.Architecture.Tests;

/// <summary>Every item of the Python API has its place here: tests/spec-map.tsv against the built product.</summary>
public class SpecMapTests
{
    private static readonly IReadOnlyList<SpecRow> Rows = SpecRow.Load();
    private static readonly MemberLookup Lookup = MemberLookup.OfRepository();

    [Fact]
    public void Rows_WhenNotOpen_NameMembersAndTestsThatExist() => Rule.HasNoBreach(SpecRules.Gaps(Rows, Lookup));

    [Fact]
    public void Rows_WhenOpen_NameMembersThatDoNotExistYet() => Rule.HasNoBreach(SpecRules.OpenButThere(Rows, Lookup));

    [Fact]
    public void Rows_WhenTheyShareAMember_AgreeInNameAndState() => Rule.HasNoBreach(SpecRules.Contradictions(Rows));

    [Fact]
    public void Rows_WhenRead_AreWellFormed() => Rule.HasNoBreach(SpecRules.Mistakes(Rows));

    /// <summary>Counts of the customer's document: a row cannot disappear unseen.</summary>
    [Theory]
    [InlineData("class", 18)]
    [InlineData("function", 3)]
    [InlineData("method", 33)]
    [InlineData("parameter", 63)]
    [InlineData("field", 45)]
    [InlineData("environment", 12)]
    [InlineData("yaml", 27)]
    [InlineData("exception", 11)]
    public void Rows_WhenCounted_AreAllItemsOfTheSpecification(string kind, int expected) =>
        Assert.Equal(expected, Rows.Count(r => r.Kind == kind));
}
