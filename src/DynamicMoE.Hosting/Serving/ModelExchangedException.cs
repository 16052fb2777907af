namespace DynamicMoE.Hosting;

/// <summary>A request that was made for a model which another one has taken the place of. Nothing was queued; made again for <see cref="IInferenceService.Model"/> it may be taken.</summary>
public sealed class ModelExchangedException : DynamicMoEException
{
    /// <summary>With neither message nor reason.</summary>
    public ModelExchangedException()
    {
    }

    /// <param name="message">The message.</param>
    public ModelExchangedException(string message)
        : base(message)
    {
    }

    /// <param name="message">The message.</param>
    /// <param name="innerException">The cause.</param>
    public ModelExchangedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
