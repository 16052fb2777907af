namespace DynamicMoE;

/// <summary>Candidates of a comparison: countable, and different in nothing but their routing.</summary>
internal static class EqualCheckpoint
{
    /// <exception cref="ArgumentNullException">A candidate, its name or its layer is null.</exception>
    /// <exception cref="ProfilingException">They cannot be compared; names who differs in what.</exception>
    internal static IReadOnlyList<(string Name, CountedLayer Layer)> Require(IReadOnlyList<RoutingCandidate> candidates)
    {
        if (candidates.Count == 0)
        {
            throw new ProfilingException("A comparison needs at least one candidate.");
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        var counted = new List<(string Name, CountedLayer Layer)>();
        foreach (RoutingCandidate candidate in candidates)
        {
            ArgumentNullException.ThrowIfNull(candidate, nameof(candidates));
            ArgumentNullException.ThrowIfNull(candidate.Name, nameof(candidates));
            if (!names.Add(candidate.Name))
            {
                throw new ProfilingException($"Two candidates are called '{candidate.Name}'.");
            }

            counted.Add((candidate.Name, CountedLayer.Of(candidate.Layer, null)));
            RequireEqual(counted[0], counted[^1]);
        }

        return counted;
    }

    private static void RequireEqual((string Name, CountedLayer Layer) first, (string Name, CountedLayer Layer) other)
    {
        string? difference =
            first.Layer.Router.Gate.Hash != other.Layer.Router.Gate.Hash
                ? $"gate {other.Layer.Router.Gate.Hash}, '{first.Name}' has gate {first.Layer.Router.Gate.Hash}"
            : !ReferenceEquals(first.Layer.Experts, other.Layer.Experts) ? $"another {nameof(ExpertBank)} than '{first.Name}'"
            : !ReferenceEquals(first.Layer.Layer.Options.SharedExperts, other.Layer.Layer.Options.SharedExperts)
                ? $"other {nameof(MoELayerOptions.SharedExperts)} than '{first.Name}'"
            : null;
        if (difference is not null)
        {
            throw new ProfilingException($"Candidate '{other.Name}' has {difference}: only the routing of one checkpoint can be compared.");
        }
    }
}
