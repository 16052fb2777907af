using System.Text;

namespace DynamicMoE.Tests.Support;

/// <summary>Writes a chart's name in place of a picture.</summary>
internal sealed class TextCharts : IChartRenderer
{
    public string Extension => "txt";

    public void Render(Chart chart, Stream destination) => destination.Write(Encoding.ASCII.GetBytes(chart.Name));
}
