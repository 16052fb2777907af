namespace DynamicMoE.Tests.Monitoring;

public sealed class CallFaultTests
{
    public static TheoryData<Type, string> Faults => new()
    {
        { typeof(RoutingValidationException), nameof(CallFault.Caller) },
        { typeof(RouterConfigurationException), nameof(CallFault.Caller) },
        { typeof(ArgumentNullException), nameof(CallFault.Caller) },
        { typeof(NotSupportedException), nameof(CallFault.Caller) },
        { typeof(TaskCanceledException), nameof(CallFault.Caller) },
        { typeof(LoadBalancingException), nameof(CallFault.Service) },
        { typeof(ExpertDispatchException), nameof(CallFault.Service) },
        { typeof(CircuitOpenException), nameof(CallFault.Service) },
        { typeof(ComplexityEstimationException), nameof(CallFault.Router) },
        { typeof(BackendException), nameof(CallFault.Router) },
        { typeof(InsufficientDeviceMemoryException), nameof(CallFault.Router) },
        { typeof(InvalidOperationException), nameof(CallFault.Router) },
        { typeof(OutOfMemoryException), nameof(CallFault.Router) },
    };

    [Theory, MemberData(nameof(Faults))]
    public void Of_WithoutARuleOfTheOptions_IsThatOfTheTable(Type error, string expected) =>
        Assert.Equal(expected, CallFaults.Of((Exception)Activator.CreateInstance(error)!, null).ToString());

    [Theory, MemberData(nameof(Faults))]
    public void Of_WithARule_FollowsItButBlamesNoCallerForTheRest(Type error, string expected)
    {
        var instance = (Exception)Activator.CreateInstance(error)!;

        Assert.Equal(CallFault.Router, CallFaults.Of(instance, _ => true));
        Assert.Equal(expected == nameof(CallFault.Caller) ? CallFault.Caller : CallFault.Service, CallFaults.Of(instance, _ => false));
    }

    [Fact]
    public void Of_WhenARouterIsDisposed_BlamesTheCaller() => Assert.Equal(CallFault.Caller, CallFaults.Of(new ObjectDisposedException("router"), null));
}
