using DynamicMoE.BindingGenerator;

namespace DynamicMoE.Bindings.Tests.Generator;

public class AstReaderTests
{
    private static readonly HeaderModel Model = SampleHeader.Read();

    [Fact]
    public void Read_WhenHeaderHasEnum_GivesConstantsWithValuesAndDocs()
    {
        EnumModel mode = Model.Enums[0];
        Assert.Equal("How a thing is made.", mode.Doc.Summary);
        Assert.Equal([("DMOE_MODE_FAST", 3L, "when a < b"), ("DMOE_MODE_OLD_WAY", 4L, "else")],
            mode.Constants.Select(c => (c.Name, c.Value, c.Doc.Summary)));
    }

    [Fact]
    public void Read_WhenStructHasNoBody_IsAHandle() => Assert.Equal(["dmoe_thing"], Model.Handles);

    [Fact]
    public void Read_WhenStructHasBody_GivesFieldsInOrderWithDocs() =>
        Assert.Equal(
            [("struct_size", "uint32_t", "bytes"), ("row_data", "const float *", "[n]"), ("name", "const char *", ""), ("base", "const dmoe_thing *", "or NULL")],
            Assert.Single(Model.Structs).Fields.Select(f => (f.Name, f.Type, f.Doc.Summary)));

    [Fact]
    public void Read_WhenFunctionIsDocumented_SplitsSummaryParametersAndReturn()
    {
        FunctionModel create = Model.Functions[0];
        Assert.Equal("dmoe_status", create.ReturnType);
        Assert.Equal("Makes a thing & more.", create.Doc.Summary);
        Assert.Equal("how to make it", create.Doc.Parameters["options"]);
        Assert.Equal("[out] figures", create.Doc.Parameters["params"]);
        Assert.Equal("DMOE_OK, DMOE_E_BAD", create.Doc.Returns);
    }

    [Fact]
    public void Read_WhenParamNamesNoParameter_Fails()
    {
        var failure = Assert.Throws<GeneratorException>(() => SampleHeader.Read("/** Does. @param wrong x */\nvoid dmoe_do(int right);\n"));
        Assert.Contains("wrong", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DumpAst_WhenHeaderIsInvalid_FailsWithTheCompilersText()
    {
        var failure = Assert.Throws<GeneratorException>(() => SampleHeader.Read("void dmoe_do(nonsense x);\n"));
        Assert.Contains("nonsense", failure.Message, StringComparison.Ordinal);
    }
}
