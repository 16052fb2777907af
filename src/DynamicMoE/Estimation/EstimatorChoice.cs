namespace DynamicMoE;

/// <summary>A complexity estimator by name or by instance. Both convert implicitly.</summary>
public readonly struct EstimatorChoice : IEquatable<EstimatorChoice>
{
    private readonly string? _name;

    /// <summary>Chooses a built-in estimator.</summary>
    /// <param name="name">One of <see cref="ComplexityEstimators"/>; checked when the router is built.</param>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is null.</exception>
    public EstimatorChoice(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        _name = name;
    }

    /// <summary>Chooses an instance. Routers that share it share its running state.</summary>
    /// <param name="instance">The estimator.</param>
    /// <exception cref="ArgumentNullException"><paramref name="instance"/> is null.</exception>
    public EstimatorChoice(ComplexityEstimator instance)
    {
        ArgumentNullException.ThrowIfNull(instance);
        Instance = instance;
    }

    /// <summary>The instance, or null when the choice is by name.</summary>
    public ComplexityEstimator? Instance { get; }

    /// <summary>Name of the estimator; <c>gradient_norm</c> when nothing was chosen.</summary>
    public string Name => Instance?.Name ?? _name ?? ComplexityEstimators.GradientNorm;

    /// <summary>Chooses a built-in estimator by name.</summary>
    /// <param name="name">One of <see cref="ComplexityEstimators"/>.</param>
    public static implicit operator EstimatorChoice(string name) => new(name);

    /// <summary>Chooses an instance.</summary>
    /// <param name="instance">The estimator.</param>
    public static implicit operator EstimatorChoice(ComplexityEstimator instance) => new(instance);

    /// <summary>Whether two choices are the same.</summary>
    /// <param name="left">One choice.</param>
    /// <param name="right">The other.</param>
    /// <returns>True for the same instance, or the same name and no instance.</returns>
    public static bool operator ==(EstimatorChoice left, EstimatorChoice right) => left.Equals(right);

    /// <summary>Whether two choices differ.</summary>
    /// <param name="left">One choice.</param>
    /// <param name="right">The other.</param>
    /// <returns>The opposite of equality.</returns>
    public static bool operator !=(EstimatorChoice left, EstimatorChoice right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(EstimatorChoice other) => ReferenceEquals(Instance, other.Instance) && Name == other.Name;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is EstimatorChoice other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Instance, Name);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
