using DynamicMoE.BindingGenerator;

namespace DynamicMoE.Bindings.Tests.Generator;

public class NamingTests
{
    [Theory]
    [InlineData("dmoe_matrix_f32", "DmoeMatrixF32")]
    [InlineData("l2_bytes", "L2Bytes")]
    public void Pascal_WhenGivenCName_JoinsCapitalisedWords(string name, string expected) => Assert.Equal(expected, Naming.Pascal(name));

    [Fact]
    public void Camel_WhenGivenCName_StartsLow() => Assert.Equal("expertRows", Naming.Camel("expert_rows"));

    [Theory]
    [InlineData("params", "@params")]
    [InlineData("rows", "rows")]
    public void Identifier_WhenNameIsAKeyword_EscapesIt(string name, string expected) => Assert.Equal(expected, Naming.Identifier(name));

    [Fact]
    public void Constants_WhenOneIsThePrefixOfAnother_KeepsALastWord() =>
        Assert.Equal(["Mean", "MeanMax"], Naming.Constants(["DMOE_MEAN", "DMOE_MEAN_MAX"]));
}
