using System.Globalization;
using DynamicMoE;
using DynamicMoE.Peers;
using DynamicMoE.Peers.Checks;
using DynamicMoE.Peers.Onnx;
using DynamicMoE.Peers.Report;
using DynamicMoE.Peers.Results;
using TorchLoading;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
TorchRuntime.Prepare();
OnnxEnvironment.Prepare();

var options = new PeersOptions();
options.Command.SetAction(parsed =>
{
    try
    {
        if (parsed.GetValue(options.Report) is { } folder)
        {
            ReportFolder.Write(folder, ResultFile.Read(parsed.GetValue(options.From)!));
        }
        else
        {
            new Run(options, parsed).Measure();
        }

        return 0;
    }
    catch (Exception error) when (error is WrongOutputException or DynamicMoEException or IOException or InvalidDataException or UnauthorizedAccessException)
    {
        Console.Error.WriteLine(error.Message);
        return 1;
    }
});
return options.Command.Parse(args).Invoke();
