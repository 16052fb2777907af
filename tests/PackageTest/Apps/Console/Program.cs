using System.Numerics.Tensors;
using DynamicMoE;
using DynamicMoE.Models;

// A batch through a router, then a few tokens of a checkpoint, whose folder is the argument.
using var router = new DynamicRouter(new DynamicRouterOptions { InputDim = 16, NumExperts = 4, MaxExperts = 2 });
Tensor<float> hidden = Tensor.Create(Enumerable.Range(0, 8 * 16).Select(i => MathF.Sin(i)).ToArray(), [1, 8, 16]);
RoutingResult routing = router.Route(hidden);
Console.WriteLine($"routed {routing.ExpertsPerToken.FlattenedLength} tokens, at most {routing.ExpertsPerToken.Max()} experts each");

using MoEModel model = MoEModel.Load(args[0]);
model.PatchDynamicRouting(new DynamicRoutingOptions { MeanExpertsPerToken = 1.5 });
MoESession session = model.CreateSession(maxPositions: 64);
int generated = session.Generate(model.Tokenizer!.Encode("The expert "), new GenerationOptions { MaxNewTokens = 4 }).Count();
Console.WriteLine($"generated {generated} tokens");
