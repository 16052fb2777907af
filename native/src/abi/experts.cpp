// Exports: sets of experts.
#include "engine/experts.hpp"

#include "abi/guard.hpp"
#include "abi/handles.hpp"
#include "core/views.hpp"

using namespace dmoe;

dmoe_status dmoe_experts_create(const dmoe_experts_options* options, dmoe_experts** experts) {
  return guard("experts_create", [&] {
    require_pointer(options, "options");
    require_pointer(experts, "experts");
    dmoe_experts_options defaults{};
    const auto made = std::make_shared<Experts>(read_struct(options, defaults, "options"));
    *experts = new dmoe_experts{made};
  });
}

void dmoe_experts_destroy(dmoe_experts* experts) { delete experts; }

dmoe_status dmoe_experts_set(dmoe_experts* experts, int32_t expert, const dmoe_expert_weights* weights) {
  return guard("experts_set", [&] {
    require_pointer(experts, "experts");
    require_pointer(weights, "weights");
    experts->engine->set(expert, read_struct(weights, dmoe_expert_weights{}, "weights"));
  });
}

dmoe_status dmoe_experts_bytes(const dmoe_experts* experts, int64_t* bytes) {
  return guard("experts_bytes", [&] {
    require_pointer(experts, "experts");
    require_pointer(bytes, "bytes");
    *bytes = experts->engine->bytes_per_expert();
  });
}
