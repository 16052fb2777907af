// Exports: sets of experts.
#include "engine/experts.hpp"

#include "abi/guard.hpp"
#include "abi/handles.hpp"
#include "core/views.hpp"
#include "engine/packing.hpp"

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

int32_t dmoe_packed_layout_version(void) { return kPackedLayoutVersion; }

dmoe_status dmoe_experts_packed(const dmoe_experts* experts, const void** data, int64_t* bytes) {
  return guard("experts_packed", [&] {
    require_pointer(experts, "experts");
    require_pointer(data, "data");
    require_pointer(bytes, "bytes");
    *data = experts->engine->packed();
    *bytes = experts->engine->packed_bytes();
  });
}

dmoe_status dmoe_experts_create_mapped(const dmoe_experts_options* options, const void* packed, int64_t bytes,
                                       dmoe_experts** experts) {
  return guard("experts_create_mapped", [&] {
    require_pointer(options, "options");
    require_pointer(experts, "experts");
    const auto made =
        std::make_shared<Experts>(read_struct(options, dmoe_experts_options{}, "options"), packed, bytes);
    *experts = new dmoe_experts{made};
  });
}
