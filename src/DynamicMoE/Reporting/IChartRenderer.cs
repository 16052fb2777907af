namespace DynamicMoE;

/// <summary>Draws charts. The library has none, since drawing brings large native libraries; the <c>dmoe</c> tool has one of PNG files.</summary>
public interface IChartRenderer
{
    /// <summary>Extension of the files, without a dot.</summary>
    string Extension { get; }

    /// <summary>Draws one chart.</summary>
    /// <param name="chart">What to draw.</param>
    /// <param name="destination">Receives the picture; not disposed.</param>
    void Render(Chart chart, Stream destination);
}
