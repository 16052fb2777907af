// score / NEON.
#include "ops/score/score.hpp"
#include "ops/score/score.inl"

namespace dmoe {

void score_margin__neon(const ScoreRows& task) { score_margin(task); }
void score_entropy__neon(const ScoreRows& task) { score_entropy(task); }
void score_shares__neon(const ScoreRows& task) { score_shares(task); }
void score_l2__neon(const ScoreRows& task) { score_l2(task); }
void score_attention__neon(const ScoreRows& task) { score_attention(task); }

}  // namespace dmoe
