namespace DynamicMoE;

/// <summary>Serves one request at a time.</summary>
internal interface IRequestServer
{
    /// <summary>Serves a request; this is what is timed.</summary>
    void Serve(int request);

    /// <summary>Called after a request that counts, outside its time.</summary>
    void Count();
}
