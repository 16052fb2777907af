using DynamicMoE.Bindings;

namespace DynamicMoE.Native;

/// <summary>Builds the structs that describe pinned memory.</summary>
internal static unsafe class Views
{
    internal static DmoeMatrixF32 Input(float* data, int rows, int columns)
    {
        DmoeMatrixF32 view = DmoeMatrixF32.Create();
        view.Data = data;
        view.Rows = rows;
        view.Columns = columns;
        view.RowStride = columns;
        return view;
    }

    internal static DmoeOutputF32 Output(float* data, int rows, int columns)
    {
        DmoeOutputF32 view = DmoeOutputF32.Create();
        view.Data = data;
        view.Rows = rows;
        view.Columns = columns;
        view.RowStride = columns;
        return view;
    }

    internal static RoutingReport Report(in DmoeBatchReport report) => new(
        report.Tokens, report.Routes, report.DistinctExperts, report.MaxExpertRoutes, report.OverflowRoutes, report.DroppedRoutes);
}
