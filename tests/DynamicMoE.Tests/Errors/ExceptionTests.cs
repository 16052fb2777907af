namespace DynamicMoE.Tests.Errors;

public sealed class ExceptionTests
{
    public static TheoryData<Exception, Exception, Exception, Type> Exceptions() => new()
    {
        { new DynamicMoEException(), new DynamicMoEException("m"), new DynamicMoEException("m", Cause), typeof(Exception) },
        { new RouterConfigurationException(), new RouterConfigurationException("m"), new RouterConfigurationException("m", Cause), typeof(DynamicMoEException) },
        { new ComplexityEstimationException(), new ComplexityEstimationException("m"), new ComplexityEstimationException("m", Cause), typeof(DynamicMoEException) },
        { new ExpertDispatchException(), new ExpertDispatchException("m"), new ExpertDispatchException("m", Cause), typeof(DynamicMoEException) },
        { new LoadBalancingException(), new LoadBalancingException("m"), new LoadBalancingException("m", Cause), typeof(DynamicMoEException) },
        { new RoutingValidationException(), new RoutingValidationException("m"), new RoutingValidationException("m", Cause), typeof(DynamicMoEException) },
        { new BackendException(), new BackendException("m"), new BackendException("m", Cause), typeof(DynamicMoEException) },
        { new DynamicMoEMemoryException(), new DynamicMoEMemoryException("m"), new DynamicMoEMemoryException("m", Cause), typeof(DynamicMoEException) },
        { new InsufficientDeviceMemoryException(), new InsufficientDeviceMemoryException("m"), new InsufficientDeviceMemoryException("m", Cause), typeof(DynamicMoEMemoryException) },
        { new ConvergenceException(), new ConvergenceException("m"), new ConvergenceException("m", Cause), typeof(DynamicMoEException) },
        { new ModelPatchingException(), new ModelPatchingException("m"), new ModelPatchingException("m", Cause), typeof(DynamicMoEException) },
        { new ProfilingException(), new ProfilingException("m"), new ProfilingException("m", Cause), typeof(DynamicMoEException) },
        { new CircuitOpenException(), new CircuitOpenException("m"), new CircuitOpenException("m", Cause), typeof(DynamicMoEException) },
        { new RoutingRecordException(), new RoutingRecordException("m"), new RoutingRecordException("m", Cause), typeof(DynamicMoEException) },
    };

    private static Exception Cause { get; } = new InvalidOperationException("cause");

    [Theory]
    [MemberData(nameof(Exceptions))]
    public void Hierarchy_WhateverTheException_FollowsTheSpecification(Exception plain, Exception message, Exception caused, Type parent)
    {
        Assert.Equal(parent, plain.GetType().BaseType);
        Assert.NotEmpty(plain.Message);
        Assert.Equal("m", message.Message);
        Assert.Same(Cause, caused.InnerException);
    }
}
