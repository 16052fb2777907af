// A layer with random weights, made through the ABI, and the double-precision layer that it must agree with.
#ifndef DYNAMICMOE_TESTS_SUPPORT_TEST_LAYER_HPP_
#define DYNAMICMOE_TESTS_SUPPORT_TEST_LAYER_HPP_

#include <cstdint>
#include <memory>
#include <vector>

#include "dynamicmoe/dynamicmoe.h"
#include "support/numbers.hpp"

namespace dmoe::test {

struct LayerSpec {
  int32_t hidden = 32;
  int32_t width = 48;
  int32_t experts = 8;
  int32_t k = 2;
  int32_t kind = DMOE_EXPERT_SWIGLU;
  int32_t format = DMOE_FORMAT_F32;
  bool bias = false;
  int32_t shared = 0;          // shared experts
  int32_t shared_width = 0;    // 0 = width
  int32_t shared_format = -1;  // -1 = format
  bool shared_gate = false;
  int32_t isa = DMOE_ISA_AUTO;
  int32_t max_tokens = 512;
  int32_t threads = 0;
};

/** One expert's weights, rounded to the format. */
struct ExpertSource {
  std::vector<float> gate, up, down, gate_bias, up_bias, down_bias;
};

struct Routing {
  int32_t slots = 0;
  std::vector<int32_t> ids;
  std::vector<float> weights;
  dmoe_routes view(int64_t tokens);
};

class TestLayer {
 public:
  explicit TestLayer(const LayerSpec& spec, uint64_t seed = 1);

  const LayerSpec& spec() const { return spec_; }
  const dmoe_layer* layer() const { return layer_.get(); }
  const dmoe_router* router() const { return router_.get(); }
  dmoe_experts* experts() const { return experts_.get(); }
  /** Lets go of router and experts; the layer must live on. */
  void drop_parts();

  dmoe_route_params params() const;
  std::vector<float> tokens(int64_t count, uint64_t seed = 99) const;

  /** Runs forward and expects success. @param routing [out] or NULL */
  std::vector<float> forward(const std::vector<float>& x, Routing* routing = nullptr,
                             dmoe_batch_report* report = nullptr) const;
  dmoe_status execute(const std::vector<float>& x, Routing& routing, std::vector<float>& y) const;

  /** Expects each output within the bound that experts.hpp and combine.hpp state, on the given routes. */
  void expect_close(const std::vector<float>& x, const Routing& routing, const std::vector<float>& y) const;

 private:
  struct Sum {
    std::vector<double> value, error, magnitude;
  };
  int32_t shared_format() const { return spec_.shared_format < 0 ? spec_.format : spec_.shared_format; }
  void add_expert(const ExpertSource& source, int32_t format, int32_t width, const std::vector<double>& x,
                  double weight, Sum& sum) const;
  std::vector<ExpertSource> fill(dmoe_experts* experts, int32_t format, int32_t count, int32_t width,
                                 Random& random) const;

  LayerSpec spec_;
  std::vector<ExpertSource> routed_, shared_;
  std::vector<float> shared_gate_;
  std::unique_ptr<dmoe_router, decltype(&dmoe_router_destroy)> router_{nullptr, dmoe_router_destroy};
  std::unique_ptr<dmoe_experts, decltype(&dmoe_experts_destroy)> experts_{nullptr, dmoe_experts_destroy};
  std::unique_ptr<dmoe_experts, decltype(&dmoe_experts_destroy)> shared_experts_{nullptr,
                                                                                 dmoe_experts_destroy};
  std::unique_ptr<dmoe_layer, decltype(&dmoe_layer_destroy)> layer_{nullptr, dmoe_layer_destroy};
};

/** @return a matrix over rows of `columns` floats. */
inline dmoe_matrix_f32 matrix(const std::vector<float>& values, int64_t columns) {
  return {sizeof(dmoe_matrix_f32), values.data(), static_cast<int64_t>(values.size()) / columns, columns,
          columns};
}
inline dmoe_output_f32 output(std::vector<float>& values, int64_t columns) {
  return {sizeof(dmoe_output_f32), values.data(), static_cast<int64_t>(values.size()) / columns, columns,
          columns};
}

}  // namespace dmoe::test

#endif  // DYNAMICMOE_TESTS_SUPPORT_TEST_LAYER_HPP_
