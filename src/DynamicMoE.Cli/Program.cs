using DynamicMoE.Cli;
using DynamicMoE.Cli.Terminal;

return await Tool.RunAsync(args, ToolConsole.OfProcess());
