namespace DynamicMoE.Models;

/// <summary>One sequence's part of a batch: what is appended to it.</summary>
/// <param name="Session">The sequence, at most once in a batch.</param>
/// <param name="Tokens">Ids, 0..VocabularySize-1: a piece of a prompt or one decoded token; at least 1, and no more than fit. Read before the call returns.</param>
public readonly record struct SequenceStep(MoESession Session, ReadOnlyMemory<int> Tokens);
