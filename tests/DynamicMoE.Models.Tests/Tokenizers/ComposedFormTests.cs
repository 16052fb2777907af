namespace DynamicMoE.Models.Tests.Tokenizers;

public sealed class ComposedFormTests
{
    [Theory]
    [InlineData("plain", true)]
    [InlineData("na\u00efve \u20ac \u4e2d\u6587 \u0416 \uac00", true)]
    [InlineData("\U0001F600", true)]
    [InlineData("e\u0301", false)]
    [InlineData("\u212b", false)]
    [InlineData("\u1100\u1161", false)]
    [InlineData("\uf900", false)]
    [InlineData("\U0002F800", false)]
    public void IsCertainlyComposed_WhenTextMayChange_IsFalse(string text, bool expected) =>
        Assert.Equal(expected, ComposedForm.IsCertainlyComposed(text));
}
