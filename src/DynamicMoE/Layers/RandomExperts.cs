namespace DynamicMoE;

/// <summary>Random weights for experts that nobody trained yet.</summary>
internal static class RandomExperts
{
    /// <exception cref="RouterConfigurationException">A matrix in float32 has more bytes than weights are handed over in.</exception>
    internal static void Check(ExpertBankOptions bank)
    {
        const int most = int.MaxValue / sizeof(float);
        long matrix = (long)bank.Width * bank.Hidden;
        new OptionRules(nameof(ExpertBankOptions))
            .Require(matrix <= most, $"Width ({bank.Width}) * Hidden ({bank.Hidden}) = {matrix}, at most {most} elements of random weights are allowed.")
            .ThrowIfBroken();
    }

    internal static void Fill(ExpertBank bank, RandomSource random)
    {
        var gate = new float[bank.Kind == ExpertKind.SwiGlu ? bank.Width * bank.Hidden : 0];
        var up = new float[bank.Width * bank.Hidden];
        var down = new float[bank.Kind == ExpertKind.Linear ? 0 : bank.Width * bank.Hidden];
        var gateBias = new float[bank.UseBias && gate.Length > 0 ? bank.Width : 0];
        var upBias = new float[bank.UseBias ? bank.Width : 0];
        var downBias = new float[bank.UseBias && down.Length > 0 ? bank.Hidden : 0];
        float inner = 1 / MathF.Sqrt(bank.Hidden);
        float outer = 1 / MathF.Sqrt(bank.Width);
        for (int expert = 0; expert < bank.NumExperts; expert++)
        {
            random.FillUniform(gate, inner);
            random.FillUniform(up, inner);
            random.FillUniform(down, outer);
            random.FillUniform(gateBias, inner);
            random.FillUniform(upBias, inner);
            random.FillUniform(downBias, outer);
            ExpertWeights weights = ExpertWeights.FromFloat32(gate, up, down);
            weights.GateBias = gateBias;
            weights.UpBias = upBias;
            weights.DownBias = downBias;
            bank.SetExpert(expert, weights);
        }
    }
}
