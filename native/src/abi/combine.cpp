// Exports: the weighted sum of expert rows.
#include "abi/guard.hpp"
#include "core/views.hpp"
#include "engine/cpu.hpp"
#include "engine/kernel_table.hpp"

using namespace dmoe;

namespace {

// Every row that a slot names must exist: the kernel reads it unasked.
void check_rows(const dmoe_plan& plan, int64_t cells, int64_t rows) {
  for (int64_t i = 0; i < cells; ++i)
    DMOE_REQUIRE(plan.rows[i] >= -1 && plan.rows[i] < rows, DMOE_E_SHAPE,
                 "plan.rows[%lld] is %d, must be within -1..%lld", static_cast<long long>(i), plan.rows[i],
                 static_cast<long long>(rows - 1));
}

// The first used slot whose own row is not finite is to blame; when only their sum is, the first used slot.
int32_t blamed_expert(const dmoe_routes& routes, const dmoe_plan& plan, const MatrixView& rows,
                      int64_t token) {
  int32_t blamed = -1;
  for (int64_t s = 0; s < routes.slots; ++s) {
    const int32_t row = plan.rows[token * routes.slots + s];
    if (row < 0) continue;
    const int32_t id = routes.ids[token * routes.slots + s];
    if (blamed < 0) blamed = id;
    if (first_not_finite(rows.row(row), rows.columns) >= 0) return id;
  }
  return blamed;
}

}  // namespace

dmoe_status dmoe_combine(const dmoe_routes* routes, const dmoe_plan* plan, const dmoe_matrix_f32* expert_rows,
                         const dmoe_output_f32* output) {
  return guard("combine", [&] {
    const auto r = read_struct(routes, dmoe_routes{}, "routes");
    const auto p = read_struct(plan, dmoe_plan{}, "plan");
    const MatrixView rows = view(expert_rows, "expert_rows");
    const OutputView out = view(output, "output");
    DMOE_REQUIRE(r.tokens >= 0 && out.rows == r.tokens, DMOE_E_SHAPE,
                 "output.rows is %lld, routes.tokens is %lld", static_cast<long long>(out.rows),
                 static_cast<long long>(r.tokens));
    DMOE_REQUIRE(r.slots >= 1, DMOE_E_SHAPE, "routes.slots is %d, must be >= 1", r.slots);
    DMOE_REQUIRE(out.columns == rows.columns, DMOE_E_SHAPE,
                 "output.columns is %lld, expert_rows.columns is %lld", static_cast<long long>(out.columns),
                 static_cast<long long>(rows.columns));
    if (r.tokens == 0) return;
    require_pointer(r.ids, "routes.ids");
    require_pointer(r.weights, "routes.weights");
    require_pointer(p.rows, "plan.rows");
    const int64_t cells = checked_product(r.tokens, r.slots, "routes");
    check_rows(p, cells, rows.rows);
    const Span written = span_of(out, "output");
    const Span read[] = {span_of(rows, "expert_rows"), span_of(r.weights, cells, "routes.weights"),
                         span_of(r.ids, cells, "routes.ids"), span_of(p.rows, cells, "plan.rows")};
    require_disjoint(&written, 1, read, 4);
    const Combine task{r.tokens,  r.slots,     out.columns, p.rows,    r.weights,
                       rows.data, rows.stride, out.data,    out.stride};
    const int64_t bad = kernel_table(resolve_isa(DMOE_ISA_AUTO)).combine(task);
    DMOE_REQUIRE(bad < 0, DMOE_E_OVERFLOW, "the output of token %lld is not finite, through expert %d",
                 static_cast<long long>(bad), blamed_expert(r, p, rows, bad));
  });
}
