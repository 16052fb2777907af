namespace DynamicMoE;

/// <summary>A budget and what led to it: Effective = clamp(min(max(Base, Floor), Ceiling), MinExperts, MaxExperts), in mean experts per token.</summary>
/// <param name="Base">The request's budget, or else that of the layers with what was proposed to it.</param>
/// <param name="Floor">The guardrail's floor; 0 without one.</param>
/// <param name="Ceiling">The lower of latency and overload ceiling; infinity without one.</param>
/// <param name="Effective">The budget in force.</param>
/// <param name="DecidedBy">The input that Effective came from.</param>
/// <param name="GuardrailOverridden">Whether a ceiling is below the guardrail's floor and won.</param>
public readonly record struct BudgetDecision(
    double Base, double Floor, double Ceiling, double Effective, BudgetDecider DecidedBy, bool GuardrailOverridden);
