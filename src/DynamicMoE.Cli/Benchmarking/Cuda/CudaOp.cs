namespace DynamicMoE.Cli.Benchmarking.Cuda;

/// <summary>What one launch of a kernel moves and computes.</summary>
/// <param name="Name">The kernel's entry.</param>
/// <param name="Flops">Operations; a multiply-add is two.</param>
/// <param name="Bytes">To and from device memory: inputs and outputs once, weights of the distinct active experts once.</param>
/// <param name="Tensor">Whether the operations are those of tensor cores.</param>
/// <param name="Tiles">Blocks of work that the grid takes, mean; at least 1.</param>
/// <param name="DynamicBytes">Shared memory of a block beyond what ptxas reports.</param>
/// <param name="Fill">Share of the tiles' rows and columns that hold results, 0..1.</param>
/// <param name="UnderWayBytes">That a block has asked memory for at a time; null = as many as its shared memory holds, or 16 per thread.</param>
internal readonly record struct CudaOp(string Name, double Flops, double Bytes, bool Tensor, double Tiles, double Fill, int DynamicBytes = 0, int? UnderWayBytes = null);

/// <summary>The modelled time of a launch.</summary>
/// <param name="Op">What it does.</param>
/// <param name="FlopsSeconds">Operations over the peak, divided by the share of the card that works on them.</param>
/// <param name="BytesSeconds">Bytes over the bandwidth.</param>
/// <param name="LaunchSeconds">The least time of any launch.</param>
/// <param name="Share">Share of the peak that the tiles allow: fill times the share of the last wave.</param>
internal readonly record struct CudaOpTime(CudaOp Op, double FlopsSeconds, double BytesSeconds, double LaunchSeconds, double Share)
{
    /// <summary>The longest of the three: loads, operations and the launch before them overlap.</summary>
    public double Seconds => Math.Max(LaunchSeconds, Math.Max(FlopsSeconds, BytesSeconds));

    /// <summary>Which of them it is.</summary>
    public string Binds => Seconds <= LaunchSeconds ? "launch" : FlopsSeconds > BytesSeconds ? "flops" : "bytes";
}
