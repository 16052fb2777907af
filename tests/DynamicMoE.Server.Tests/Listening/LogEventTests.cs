using System.Reflection;
using DynamicMoE.Hosting;
using Microsoft.Extensions.Logging;

namespace DynamicMoE.Server.Tests.Listening;

/// <summary>Whoever filters or counts messages by their event id gets one message.</summary>
public sealed class LogEventTests
{
    [Fact]
    public void Events_WhenAllPackagesAreRead_HaveIdsOfTheirOwn()
    {
        Assembly[] packages = [typeof(ServerHost).Assembly, typeof(DynamicMoESettings).Assembly, typeof(Models.MoEModel).Assembly, typeof(DynamicRouter).Assembly];
        (int Id, string Name)[] events =
        [
            .. from type in packages.SelectMany(package => package.GetTypes())
               from method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
               let message = method.GetCustomAttribute<LoggerMessageAttribute>()
               where message is not null
               select (message.EventId, $"{type.FullName}.{method.Name}"),
        ];

        Assert.InRange(events.Length, 30, 1000);
        Assert.Empty(events.GroupBy(found => found.Id).Where(group => group.Count() > 1).Select(group => string.Join(" and ", group.Select(found => found.Name))));
    }
}
