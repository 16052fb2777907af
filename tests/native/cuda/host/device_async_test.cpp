// Calls with device memory on streams: what they give, in what order, and how they fail.
#include <cmath>

#include "cuda/host/device_batch.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

class DeviceAsync : public OnStream {};

TEST_F(DeviceAsync, Forward_WhenAwaited_GivesWhatTheHostCallGives) {
  const TestLayer layer(many_experts_spec());
  const DeviceHandle device = open_device();
  for (const int32_t max_tokens : {64, 7}) {
    const DeviceLayerHandle copy = copy_layer(device, layer.layer(), max_tokens);
    const std::vector<float> x = layer.tokens(10);
    Routing routing;
    const std::vector<float> cpu = layer.forward(x, &routing);
    DeviceBatch batch(device, layer, x, 2);
    void* const stream = stream_of(device);
    for (void* on : {stream, static_cast<void*>(nullptr), stream}) {
      const CompletionHandle done = start(copy, batch, layer.params(), on);
      dmoe_batch_report report{};
      report.struct_size = sizeof report;
      ASSERT_EQ(dmoe_completion_wait(done.get(), &report), DMOE_OK) << dmoe_last_error();
      EXPECT_EQ(report.tokens, 10);
      EXPECT_EQ(report.routes, 20);
      EXPECT_EQ(batch.ids.get<int32_t>(), routing.ids);
      EXPECT_TRUE(same_bits(batch.weights.get<float>(), routing.weights));
      layer.expect_close(x, routing, batch.output.get<float>());
      ASSERT_EQ(dmoe_completion_wait(done.get(), nullptr), DMOE_OK);
    }
    EXPECT_EQ(dmoe_device_stream_close(device.get(), stream), DMOE_OK);
  }
}

TEST_F(DeviceAsync, Forward_WhenNotAwaited_HasNotRunYet) {
  const TestLayer layer(small_spec());
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer());
  const std::vector<float> x = layer.tokens(5);
  DeviceBatch batch(device, layer, x, 2);
  std::vector<int32_t> before(10, -5);
  batch.ids.put(before);
  void* const stream = stream_of(device);
  CompletionHandle done = start(copy, batch, layer.params(), stream);
  EXPECT_EQ(batch.ids.get<int32_t>(), before) << "on another stream nothing is to be seen of it";
  int32_t ended = 0;
  int asked = 0;
  while (ended == 0) {
    ASSERT_EQ(dmoe_completion_query(done.get(), &ended), DMOE_OK);
    ASSERT_LT(++asked, 1000);
  }
  EXPECT_GT(asked, 1);
  EXPECT_NE(batch.ids.get<int32_t>(), before);
  done.reset();
  EXPECT_EQ(dmoe_device_stream_close(device.get(), stream), DMOE_OK);
}

TEST_F(DeviceAsync, Forward_WhenOnTwoStreams_KeepsThemApart) {
  const TestLayer layer(many_experts_spec());
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer());
  void* const streams[] = {stream_of(device), stream_of(device)};
  const std::vector<float> x[] = {layer.tokens(4, 1), layer.tokens(4, 2)};
  DeviceBatch first(device, layer, x[0], 2), second(device, layer, x[1], 2);
  for (int round = 0; round < 3; ++round) {
    CompletionHandle one = start(copy, first, layer.params(), streams[0]);
    CompletionHandle two = start(copy, second, layer.params(), streams[1]);
    ASSERT_EQ(dmoe_completion_wait(two.get(), nullptr), DMOE_OK) << dmoe_last_error();
    ASSERT_EQ(dmoe_completion_wait(one.get(), nullptr), DMOE_OK) << dmoe_last_error();
  }
  EXPECT_EQ(Simulation::calls("cuGraphInstantiateWithFlags"), 2);
  for (int i = 0; i < 2; ++i) {
    Routing routing;
    layer.forward(x[i], &routing);
    layer.expect_close(x[i], routing, (i == 0 ? first : second).output.get<float>());
    EXPECT_EQ(dmoe_device_stream_close(device.get(), streams[i]), DMOE_OK);
  }
}

TEST_F(DeviceAsync, Forward_WhenMoreCallsThanLanes_WaitsForTheOldest) {
  const TestLayer layer(small_spec());
  dmoe_device_options options = device_options();
  options.max_calls = 2;
  const DeviceHandle device = open_device(options);
  const DeviceLayerHandle copy = copy_layer(device, layer.layer());
  const std::vector<float> x = layer.tokens(4);
  DeviceBatch batch(device, layer, x, 2);
  void* const stream = stream_of(device);
  std::vector<CompletionHandle> all;
  for (int i = 0; i < 7; ++i) all.push_back(start(copy, batch, layer.params(), stream));
  for (CompletionHandle& one : all) EXPECT_EQ(dmoe_completion_wait(one.get(), nullptr), DMOE_OK);
  Routing routing;
  layer.forward(x, &routing);
  layer.expect_close(x, routing, batch.output.get<float>());
  EXPECT_EQ(dmoe_device_stream_close(device.get(), stream), DMOE_OK);
}

TEST_F(DeviceAsync, Forward_WhenScoresAreOnTheDevice_UsesThem) {
  LayerSpec s;
  s.experts = 8;
  const TestLayer layer(s);
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer(), 3);
  const std::vector<float> x = layer.tokens(8);
  const std::vector<float> scores{0, 1, 0.5f, 0.25f, 0.75f, 1, 0, 0.4f};
  DeviceBatch batch(device, layer, x, 6);
  DeviceArray given(device, 8), counts(device, 8), kept(device, 8), logits(device, 64), gaps(device, 48);
  given.put(scores);
  batch.forward.given_scores = given.address();
  batch.forward.counts = counts.address();
  batch.forward.scores = kept.address();
  batch.forward.logits = logits.address();
  batch.forward.gaps = gaps.address();
  dmoe_route_params params = layer.params();
  params.min_experts = 1;
  params.max_experts = 6;
  params.noise_factor = 0.2f;  // by the position in the batch, whatever the chunk
  params.noise_seed = 11;
  const CompletionHandle done = start(copy, batch, params, nullptr);
  ASSERT_EQ(dmoe_completion_wait(done.get(), nullptr), DMOE_OK) << dmoe_last_error();
  params.score_source = DMOE_SCORE_SUPPLIED;
  params.scores = scores.data();
  std::vector<int32_t> ids(48), cpu_counts(8);
  std::vector<float> weights(48), cpu_scores(8), cpu_logits(64), cpu_gaps(48);
  const dmoe_routes routes{sizeof routes,
                           6,
                           8,
                           ids.data(),
                           weights.data(),
                           cpu_counts.data(),
                           cpu_scores.data(),
                           cpu_logits.data(),
                           cpu_gaps.data(),
                           nullptr};
  const dmoe_matrix_f32 in = matrix(x, 32);
  ASSERT_EQ(dmoe_router_route(layer.router(), &in, &params, &routes, nullptr), DMOE_OK);
  EXPECT_EQ(batch.ids.get<int32_t>(), ids);
  EXPECT_EQ(counts.get<int32_t>(), cpu_counts);
  EXPECT_TRUE(same_bits(kept.get<float>(), cpu_scores));
  EXPECT_TRUE(same_bits(logits.get<float>(), cpu_logits));
  EXPECT_TRUE(same_bits(gaps.get<float>(), cpu_gaps));
}

TEST_F(DeviceAsync, Wait_WhenAKernelFoundSomethingWrong_TellsTheLowestToken) {
  const TestLayer layer(small_spec());
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer(), 4);
  std::vector<float> x = layer.tokens(11);
  x[9 * 32] = INFINITY;
  x[6 * 32 + 5] = NAN;
  DeviceBatch batch(device, layer, x, 2);
  CompletionHandle done = start(copy, batch, layer.params(), nullptr);
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(told(dmoe_completion_wait(done.get(), nullptr)),
              "DMOE_E_NOT_FINITE completion_wait: hidden of token 6, or its logits, are not finite");
  x = layer.tokens(11);
  for (int c = 0; c < 32; ++c) x[static_cast<std::size_t>(10 * 32 + c)] *= 1e36f;
  batch.hidden.put(x);
  done = start(copy, batch, layer.params(), nullptr);
  EXPECT_EQ(dmoe_completion_wait(done.get(), nullptr), DMOE_E_OVERFLOW);
  EXPECT_EQ(std::string(dmoe_last_error()).find("completion_wait: token 10: expert "), 0u)
      << dmoe_last_error();
}

TEST_F(DeviceAsync, Wait_WhenAKernelFaults_TellsWhatTheDriverSays) {
  const TestLayer layer(small_spec());
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer());
  DeviceBatch* const batch = new DeviceBatch(device, layer, layer.tokens(3), 2);
  void* const stream = stream_of(device);
  device_is_lost();
  Simulation::break_kernel("dmoe_plan_tile");
  CompletionHandle one = start(copy, *batch, layer.params(), stream),
                   two = start(copy, *batch, layer.params(), stream);
  EXPECT_EQ(told(dmoe_completion_wait(one.get(), nullptr))
                .find("DMOE_E_BACKEND completion_wait: layer: CUDA_ERROR_ILLEGAL_ADDRESS (700)"),
            0u);
  EXPECT_EQ(dmoe_completion_wait(two.get(), nullptr), DMOE_E_BACKEND);
  int32_t ended = 0;
  EXPECT_EQ(dmoe_completion_query(two.get(), &ended), DMOE_OK);
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(start_told(copy, batch->forward, layer.params(), stream)
                .find("DMOE_E_BACKEND device_layer_forward_async: the device is lost"),
            0u);
  delete batch;  // its memory is given back all the same
}

TEST_F(DeviceAsync, Forward_WhenArgumentsAreWrong_RefusesThem) {
  const TestLayer layer(small_spec());
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer());
  DeviceBatch batch(device, layer, layer.tokens(3), 2);
  const std::string start_text = "device_layer_forward_async: ";
  const auto with = [&](auto change) {
    dmoe_device_forward forward = batch.forward;
    change(forward);
    return start_told(copy, forward, layer.params());
  };
  using F = dmoe_device_forward;
  EXPECT_EQ(with([](F& f) { f.hidden = 0; }), "DMOE_E_ARGUMENT " + start_text + "forward.hidden is 0");
  EXPECT_EQ(with([](F& f) { f.output += 2; }),
            "DMOE_E_ARGUMENT " + start_text + "forward.output is not aligned to 4 bytes");
  EXPECT_EQ(with([](F& f) { f.output = f.hidden + 128; }),
            "DMOE_E_ARGUMENT " + start_text + "forward.output overlaps forward.hidden");
  EXPECT_EQ(with([](F& f) { f.ids = f.weights; }),
            "DMOE_E_ARGUMENT " + start_text + "forward.weights overlaps forward.ids");
  EXPECT_EQ(with([](F& f) { f.hidden_stride = 31; }),
            "DMOE_E_SHAPE " + start_text + "forward.hidden_stride is 31, must be >= 32");
  EXPECT_EQ(with([](F& f) { f.tokens = -1; }),
            "DMOE_E_SHAPE " + start_text + "forward.tokens is -1, must be >= 0");
  EXPECT_EQ(with([](F& f) { f.slots = 1; }),
            "DMOE_E_SHAPE " + start_text + "forward.slots is 1, must be >= max_experts (2)");
  dmoe_completion* completion = nullptr;
  EXPECT_EQ(dmoe_device_layer_forward_async(copy.get(), nullptr, nullptr, nullptr, &completion),
            DMOE_E_ARGUMENT);
  EXPECT_EQ(dmoe_device_layer_forward_async(copy.get(), &batch.forward, nullptr, nullptr, &completion),
            DMOE_E_ARGUMENT);
}

TEST_F(DeviceAsync, Forward_WhenTheStreamIsBeingCaptured_RefusesIt) {
  const TestLayer layer(small_spec());
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer());
  const DeviceBatch batch(device, layer, layer.tokens(3), 2);
  void* const stream = stream_of(device);
  {
    const StreamCapture capture(stream);
    EXPECT_EQ(
        start_told(copy, batch.forward, layer.params(), stream),
        "DMOE_E_STATE device_layer_forward_async: stream is being captured; this call takes memory of its "
        "own and can't be part of another graph");
  }
  EXPECT_EQ(dmoe_completion_wait(start(copy, batch, layer.params(), stream).get(), nullptr), DMOE_OK);
  EXPECT_EQ(dmoe_device_stream_close(device.get(), stream), DMOE_OK);
}

TEST_F(DeviceAsync, Forward_WhenThereAreNoTokens_EndsAtOnce) {
  const TestLayer layer(small_spec());
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer());
  dmoe_device_forward forward{};
  forward.struct_size = sizeof forward;
  const dmoe_route_params params = layer.params();
  dmoe_completion* completion = nullptr;
  ASSERT_EQ(dmoe_device_layer_forward_async(copy.get(), &forward, &params, nullptr, &completion), DMOE_OK)
      << dmoe_last_error();
  dmoe_batch_report report{};
  report.struct_size = sizeof report;
  EXPECT_EQ(dmoe_completion_wait(completion, &report), DMOE_OK);
  EXPECT_EQ(report.tokens, 0);
  dmoe_completion_destroy(completion);
}

TEST_F(DeviceAsync, Forward_WhenEnqueuingFails_WaitsForWhatIsOnTheStream) {
  const TestLayer layer(small_spec());
  const DeviceHandle device = open_device();
  const DeviceLayerHandle copy = copy_layer(device, layer.layer(), 0, 0);
  DeviceBatch batch(device, layer, layer.tokens(3), 2);
  void* const stream = stream_of(device);
  for (const char* function :
       {"cuStreamIsCapturing", "cuLaunchKernel", "cuMemcpyDtoHAsync_v2", "cuEventRecord"}) {
    Simulation::fail(function, 1, 999);
    EXPECT_EQ(start_told(copy, batch.forward, layer.params(), stream).find("DMOE_E_BACKEND"), 0u) << function;
    const CompletionHandle done = start(copy, batch, layer.params(), stream);
    EXPECT_EQ(dmoe_completion_wait(done.get(), nullptr), DMOE_OK) << function;
  }
  EXPECT_EQ(dmoe_device_stream_close(device.get(), stream), DMOE_OK);
}

}  // namespace
}  // namespace dmoe::test
