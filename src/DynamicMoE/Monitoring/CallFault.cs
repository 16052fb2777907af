namespace DynamicMoE;

/// <summary>Who is to blame for a call that failed.</summary>
internal enum CallFault
{
    /// <summary>The caller: neither an error of the service nor a reason to stop asking the router.</summary>
    Caller,

    /// <summary>The service, but not the router.</summary>
    Service,

    /// <summary>The router.</summary>
    Router,
}

/// <summary>Sorts exceptions.</summary>
internal static class CallFaults
{
    internal static CallFault Of(Exception error, Func<Exception, bool>? countsAsFailure)
    {
        CallFault fault = error switch
        {
            RoutingValidationException or RouterConfigurationException or ArgumentException or ObjectDisposedException
                or NotSupportedException or OperationCanceledException => CallFault.Caller,
            LoadBalancingException or ExpertDispatchException or CircuitOpenException => CallFault.Service,
            _ => CallFault.Router,
        };
        return (countsAsFailure, fault) switch
        {
            (null, _) => fault,
            _ when countsAsFailure!(error) => CallFault.Router,
            (_, CallFault.Router) => CallFault.Service,
            _ => fault,
        };
    }
}
