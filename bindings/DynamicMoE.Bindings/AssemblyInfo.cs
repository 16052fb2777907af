using System.Runtime.CompilerServices;

// Every type that crosses the border is blittable; without this the runtime would look for marshalling at each call.
[assembly: DisableRuntimeMarshalling]
