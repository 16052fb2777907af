using System.CommandLine;
using System.Text.Json;
using DynamicMoE.Cli.Benchmarking.Cuda;

namespace DynamicMoE.Benchmarks.CudaStatic;

/// <summary>
/// <c>cuda-static</c>: compares registers, spills, shared memory and instructions of the committed PTX with the committed budget. Needs ptxas and nvdisasm,
/// which the build does not.
/// </summary>
internal static class CudaStaticCommand
{
    private static readonly string[] Architectures = ["sm_80", "sm_86", "sm_89", "sm_90"];

    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true };

    internal static int Run(string[] args)
    {
        var ptxas = new Option<string>("--ptxas") { Description = "File of NVIDIA's assembler.", DefaultValueFactory = _ => "ptxas" };
        var nvdisasm = new Option<string>("--nvdisasm") { Description = "File of NVIDIA's disassembler.", DefaultValueFactory = _ => "nvdisasm" };
        var ptx = new Option<DirectoryInfo>("--ptx") { Description = "Folder of the PTX.", DefaultValueFactory = _ => new DirectoryInfo("native/cuda/ptx/sm_80") };
        var budget = new Option<FileInfo>("--budget") { Description = "The budget.", DefaultValueFactory = _ => new FileInfo("native/cuda/ptx/budget.json") };
        var update = new Option<bool>("--update") { Description = "Write the budget anew instead." };
        var command = new RootCommand("Checks what NVIDIA's assembler makes of the kernels.") { ptxas, nvdisasm, ptx, budget, update };
        command.SetAction(parsed =>
        {
            var found = Assemble(parsed.GetValue(ptxas)!, parsed.GetValue(nvdisasm)!, parsed.GetValue(ptx)!);
            string file = parsed.GetValue(budget)!.FullName;
            if (parsed.GetValue(update))
            {
                File.WriteAllText(file, JsonSerializer.Serialize(found, Format) + "\n");
                return 0;
            }

            var allowed = JsonSerializer.Deserialize<SortedDictionary<string, SortedDictionary<string, KernelReport>>>(File.ReadAllText(file))!;
            string[] breaches = [.. Breaches.Of(allowed, found)];
            Print(found);
            foreach (string breach in breaches)
            {
                Console.Error.WriteLine(breach);
            }

            Console.WriteLine(breaches.Length == 0 ? "within the budget" : $"{breaches.Length} breaches");
            return breaches.Length == 0 ? 0 : 1;
        });
        return command.Parse(args).Invoke();
    }

    private static SortedDictionary<string, SortedDictionary<string, KernelReport>> Assemble(string ptxas, string nvdisasm, DirectoryInfo folder)
    {
        var all = new SortedDictionary<string, SortedDictionary<string, KernelReport>>(StringComparer.Ordinal);
        foreach (string architecture in Architectures)
        {
            var kernels = new SortedDictionary<string, KernelReport>(StringComparer.Ordinal);
            foreach (FileInfo file in folder.GetFiles("*.ptx").OrderBy(file => file.Name, StringComparer.Ordinal))
            {
                foreach ((string name, KernelReport report) in Assembler.Run(ptxas, nvdisasm, file.FullName, architecture))
                {
                    kernels.Add(name, report);
                }
            }

            all.Add(architecture, kernels);
        }

        return all;
    }

    private static void Print(SortedDictionary<string, SortedDictionary<string, KernelReport>> found)
    {
        foreach ((string architecture, SortedDictionary<string, KernelReport> kernels) in found)
        {
            foreach ((string name, KernelReport k) in kernels)
            {
                int blocks = CudaOccupancy.Blocks(architecture, new BlockUse(k.Threads, k.Registers, k.Shared));
                string mix = string.Join(' ', k.Instructions.Select(pair => $"{pair.Key}={pair.Value}"));
                Console.WriteLine($"{architecture} {name,-28} {k.Threads,5} threads {k.Registers,4} registers {k.Shared,6} B shared {k.Spills,4} B spilled {blocks,3} blocks/SM  {mix}");
            }
        }
    }
}
