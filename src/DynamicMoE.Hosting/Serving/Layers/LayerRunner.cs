namespace DynamicMoE.Hosting.Layers;

/// <summary>Runs batches of one layer. When a batch fails its items are run one by one, so that only the one to blame fails.</summary>
internal sealed class LayerRunner(EngineFigures figures, TimeProvider time)
{
    private readonly List<LayerWork> _single = [];

    /// <summary>Runs a batch and answers every item of it.</summary>
    /// <param name="batch">Items of one layer and kind that have begun.</param>
    /// <param name="ceiling">What overload imposes at this moment, or null.</param>
    public void Run(List<LayerWork> batch, double? ceiling)
    {
        try
        {
            RunTogether(batch, ceiling);
        }
        catch (Exception error) when (batch.Count == 1)
        {
            Fail(batch[0], error);
        }
        catch (Exception error) when (error is DynamicMoEException or ArithmeticException or InvalidOperationException or ArgumentException)
        {
            foreach (LayerWork item in batch)
            {
                RunAlone(item, ceiling);
            }
        }
        catch (Exception error)
        {
            batch.ForEach(item => Fail(item, error));
        }
    }

    private void RunAlone(LayerWork item, double? ceiling)
    {
        if (item.HasEnded)
        {
            return;
        }

        _single.Clear();
        _single.Add(item);
        try
        {
            RunTogether(_single, ceiling);
        }
        catch (Exception error)
        {
            Fail(item, error);
        }
    }

    private void RunTogether(List<LayerWork> batch, double? ceiling)
    {
        long begin = time.GetTimestamp();
        ServedLayer layer = batch[0].Layer;
        batch.ForEach(item => figures.Waited(time.GetElapsedTime(item.Accepted, begin)));
        RoutingReport report = layer.Run(batch, item => time.GetElapsedTime(item.Accepted, begin), ceiling, Answered);
        figures.Ran(report.Tokens, time.GetElapsedTime(begin));
        layer.Tell(batch[0].Model.Figures, report);
    }

    private void Answered(LayerWork item) => figures.Answered(time.GetElapsedTime(item.Accepted));

    private void Fail(LayerWork item, Exception error)
    {
        item.Fail(error, figures.Failed);
    }
}
