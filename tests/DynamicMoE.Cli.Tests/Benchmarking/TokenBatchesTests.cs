using DynamicMoE.Cli.Benchmarking;
using Xunit;

namespace DynamicMoE.Cli.Tests.Benchmarking;

public sealed class TokenBatchesTests
{
    private static readonly LayerWeights Weights = new(new LayerShape("t", 32, 8, 16, 2), WeightFormat.Float32, 3);

    private static readonly TokenPool Pool = new(Weights, 300);

    [Theory]
    [InlineData(3, 21)]
    [InlineData(8, 8)]
    [InlineData(9, 7)]
    [InlineData(16, 4)]
    [InlineData(64, 1)]
    [InlineData(300, 1)]
    public void TokenAt_WhenAllBatchesAreWalked_HasEachTokenOnce(int tokens, int count)
    {
        var batches = new TokenBatches(Pool, tokens);

        Assert.Equal(count, batches.Count);
        int[] all = [.. from batch in Enumerable.Range(0, count) from row in Enumerable.Range(0, tokens) select batches.TokenAt(batch, row)];
        Assert.Equal(Enumerable.Range(0, count * tokens), all.Order());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(9)]
    [InlineData(64)]
    [InlineData(300)]
    public void CheckedRows_WhenAsked_HoldTheFirstTokensOfThePool(int tokens)
    {
        var batches = new TokenBatches(Pool, tokens);
        (int Token, int Batch, int Row)[] rows = [.. batches.CheckedRows()];

        Assert.Equal(Enumerable.Range(0, TokenPool.Checked), rows.Select(row => row.Token));
        Assert.All(rows, row => Assert.Equal(row.Token, batches.TokenAt(row.Batch, row.Row)));
        Assert.All(rows, row => Assert.Equal(Pool.Row(row.Token).ToArray(), batches.Batch(row.Batch)[(row.Row * 32)..((row.Row + 1) * 32)]));
    }

    [Fact]
    public void CheckedRows_WhenABatchIsLarge_AreSpreadOverIt() =>
        Assert.Equal([0, 37, 75, 112, 150, 187, 225, 262], new TokenBatches(Pool, 300).CheckedRows().Select(row => row.Row));

    [Fact]
    public void DistinctExperts_WhenTokensAreSingle_IsExpertsPerToken() => Assert.Equal(2, new TokenBatches(Pool, 1).DistinctExperts());

    [Fact]
    public void DistinctExperts_WhenABatchIsLarge_IsAllOfThem() => Assert.Equal(16, new TokenBatches(Pool, 300).DistinctExperts());

    [Fact]
    public void TokenAt_WhenTokensAreSingle_HasSixtyFourOfThePoolAndTheCheckedOnes()
    {
        var batches = new TokenBatches(Pool, 1);
        int[] tokens = [.. Enumerable.Range(0, batches.Count).Select(batch => batches.TokenAt(batch, 0))];

        Assert.Equal(64, tokens.Distinct().Count());
        Assert.Empty(Enumerable.Range(0, TokenPool.Checked).Except(tokens));
    }

    [Fact]
    public void TokenAt_WhenTokensAreSingle_LetsExpertsRest()
    {
        var batches = new TokenBatches(Pool, 1);
        var rests = new List<int>();
        var lastUse = new Dictionary<int, int>();
        for (int step = 0; step < 2 * batches.Count; step++)
        {
            foreach (int expert in Pool.Experts(batches.TokenAt(step % batches.Count, 0)))
            {
                if (lastUse.TryGetValue(expert, out int last))
                {
                    rests.Add(step - last);
                }

                lastUse[expert] = step;
            }
        }

        // 16 experts, 2 per token: an expert is used every eighth token at best. By chance, one use in eight would follow the use before it.
        Assert.InRange(rests.Count(rest => rest < 4) / (double)rests.Count, 0, 0.06);
    }

    [Fact]
    public void DistinctExperts_WhenBatchesAreSmall_AreThoseOfTokensByChance()
    {
        // 8 tokens leave out an expert of 16 with a chance of (7/8)^8 = 0.34 when all are equally likely, more when they are not.
        Assert.InRange(new TokenBatches(Pool, 8).DistinctExperts(), 8, 12);
    }

    [Fact]
    public void Pool_WhenItsChoiceIsCompared_HasTheLargestLogits()
    {
        var logits = new double[16];
        for (int e = 0; e < 16; e++)
        {
            logits[e] = Enumerable.Range(0, 32).Sum(d => (double)Weights.Router[(e * 32) + d] * Pool.Row(7)[d]);
        }

        Assert.Equal(Enumerable.Range(0, 16).OrderByDescending(e => logits[e]).Take(2), Pool.Experts(7));
    }
}
