// Scores and norms of rows in device memory against the processor's.
#include <cmath>

#include "cuda/host/device_fixture.hpp"
#include "support/same_bits.hpp"

namespace dmoe::test {
namespace {

constexpr int64_t kRows = 6, kColumns = 37, kStride = 40;

class DeviceOps : public OnDevice {
 protected:
  void SetUp() override {
    OnDevice::SetUp();
    device_ = open_device();
    Random random(3);
    data_ = random.normals(kRows * kStride);
    ASSERT_EQ(dmoe_device_alloc(device_.get(), 1 << 16, &memory_), DMOE_OK);
    put(data_, 0);
  }
  void TearDown() override {
    EXPECT_EQ(dmoe_device_free(device_.get(), memory_), DMOE_OK);
    device_.reset();
    OnDevice::TearDown();
  }
  template <typename T>
  uint64_t put(const std::vector<T>& values, uint64_t offset) {
    EXPECT_EQ(dmoe_device_upload(device_.get(), memory_ + offset, values.data(),
                                 static_cast<int64_t>(values.size() * 4), nullptr),
              DMOE_OK);
    return memory_ + offset;
  }
  std::vector<float> get(uint64_t address, int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    EXPECT_EQ(dmoe_device_download(device_.get(), values.data(), address, count * 4, nullptr), DMOE_OK);
    return values;
  }
  dmoe_device_score_params score_params(int32_t kind) const {
    dmoe_device_score_params p{};
    p.struct_size = sizeof p;
    p.kind = kind;
    p.rows = kRows;
    p.columns = kColumns;
    p.row_stride = kStride;
    p.data = memory_;
    p.scores = memory_ + 8192;
    p.temperature = 0.8f;
    p.epsilon = 1e-6f;
    p.heads = 2;
    return p;
  }
  dmoe_matrix_f32 rows() const { return {sizeof(dmoe_matrix_f32), data_.data(), kRows, kColumns, kStride}; }

  DeviceHandle device_{nullptr, dmoe_device_destroy};
  std::vector<float> data_;
  uint64_t memory_ = 0;
};

TEST_F(DeviceOps, Score_WhenAnyKind_HasTheProcessorsBits) {
  for (float& value : data_) value = std::abs(value);  // attention weights
  put(data_, 0);
  const std::vector<int32_t> visible{5, 37, 1};
  const uint64_t visible_at = put(visible, 12000);
  const dmoe_matrix_f32 m = rows();
  void* stream = nullptr;
  ASSERT_EQ(dmoe_device_stream_create(device_.get(), &stream), DMOE_OK);
  for (int32_t kind = DMOE_DEVICE_SCORE_L2_NORM; kind <= DMOE_DEVICE_SCORE_ATTENTION_ENTROPY; ++kind) {
    dmoe_device_score_params p = score_params(kind);
    std::vector<float> cpu(static_cast<std::size_t>(kRows), 0.0f);
    if (kind == DMOE_DEVICE_SCORE_L2_NORM) {
      ASSERT_EQ(dmoe_score_l2_norm(&m, cpu.data()), DMOE_OK);
    } else if (kind == DMOE_DEVICE_SCORE_SOFTMAX_ENTROPY) {
      ASSERT_EQ(dmoe_score_softmax_entropy(&m, 0.8f, cpu.data()), DMOE_OK);
    } else if (kind == DMOE_DEVICE_SCORE_SOFTMAX_MARGIN) {
      ASSERT_EQ(dmoe_score_softmax_margin(&m, cpu.data()), DMOE_OK);
    } else {
      p.visible = visible_at;
      cpu.resize(3);
      ASSERT_EQ(dmoe_score_attention_entropy(&m, 2, visible.data(), 0.8f, 1e-6f, DMOE_HEADS_MEAN, cpu.data()),
                DMOE_OK);
    }
    for (void* on : {stream, static_cast<void*>(nullptr)}) {
      put(std::vector<float>(kRows, -1.0f), 8192);
      ASSERT_EQ(dmoe_device_score(device_.get(), &p, on), DMOE_OK) << dmoe_last_error();
      ASSERT_EQ(dmoe_device_stream_wait(device_.get(), on), DMOE_OK);
      EXPECT_TRUE(same_bits(get(p.scores, static_cast<int64_t>(cpu.size())), cpu)) << "kind " << kind;
    }
  }
  EXPECT_EQ(dmoe_device_stream_close(device_.get(), stream), DMOE_OK);
}

TEST_F(DeviceOps, Score_WhenTheStreamIsBeingCaptured_RefusesIt) {
  put(data_, 0);
  void* stream = nullptr;
  ASSERT_EQ(dmoe_device_stream_create(device_.get(), &stream), DMOE_OK);
  const dmoe_device_score_params p = score_params(DMOE_DEVICE_SCORE_L2_NORM);
  {
    const StreamCapture capture(stream);
    EXPECT_EQ(dmoe_device_score(device_.get(), &p, stream), DMOE_E_STATE);
  }
  EXPECT_EQ(dmoe_device_score(device_.get(), &p, stream), DMOE_OK) << dmoe_last_error();
  EXPECT_EQ(dmoe_device_stream_close(device_.get(), stream), DMOE_OK);
}

TEST_F(DeviceOps, Score_WhenAValueCannotBeScored_TellsItsRow) {
  data_[2 * kStride + 4] = NAN;
  put(data_, 0);
  dmoe_device_score_params p = score_params(DMOE_DEVICE_SCORE_L2_NORM);
  EXPECT_EQ(told(dmoe_device_score(device_.get(), &p, nullptr)),
            "DMOE_E_NOT_FINITE device_score: row 2 holds a value that is not finite");
  data_[2 * kStride + 4] = 3e38f;
  data_[2 * kStride + 5] = 3e38f;
  put(data_, 0);
  EXPECT_EQ(told(dmoe_device_score(device_.get(), &p, nullptr)),
            "DMOE_E_OVERFLOW device_score: the norm of row 2 exceeds the range of float32");
  for (float& value : data_) value = 0.1f;
  data_[5 * kStride + 36] = -1;
  put(data_, 0);
  p.kind = DMOE_DEVICE_SCORE_ATTENTION_ENTROPY;
  EXPECT_EQ(told(dmoe_device_score(device_.get(), &p, nullptr)),
            "DMOE_E_ARGUMENT device_score: attention row 5 holds a value below 0");
}

TEST_F(DeviceOps, Score_WhenParamsAreWrong_RefusesThem) {
  const auto with = [&](auto change) {
    dmoe_device_score_params p = score_params(DMOE_DEVICE_SCORE_ATTENTION_ENTROPY);
    change(p);
    return dmoe_device_score(device_.get(), &p, nullptr);
  };
  using P = dmoe_device_score_params;
  EXPECT_EQ(with([](P& p) { p.kind = 4; }), DMOE_E_OPTIONS);
  EXPECT_EQ(with([](P& p) { p.rows = -1; }), DMOE_E_SHAPE);
  EXPECT_EQ(with([](P& p) { p.row_stride = 36; }), DMOE_E_SHAPE);
  EXPECT_EQ(with([](P& p) { p.data = 0; }), DMOE_E_ARGUMENT);
  EXPECT_EQ(with([](P& p) { p.scores += 1; }), DMOE_E_ARGUMENT);
  EXPECT_EQ(with([](P& p) { p.temperature = 0; }), DMOE_E_OPTIONS);
  EXPECT_EQ(with([](P& p) { p.epsilon = -1; }), DMOE_E_OPTIONS);
  EXPECT_EQ(with([](P& p) { p.heads = 4; }), DMOE_E_SHAPE);
  EXPECT_EQ(with([](P& p) { p.aggregation = 3; }), DMOE_E_OPTIONS);
  EXPECT_EQ(with([](P& p) { p.rows = 0, p.data = 0; }), DMOE_OK);
}

TEST_F(DeviceOps, Norm_WhenEither_IsNearTheProcessors) {
  Random random(4);
  const std::vector<float> weight = random.normals(kColumns), bias = random.normals(kColumns);
  dmoe_device_norm_params p{};
  p.struct_size = sizeof p;
  p.rows = kRows;
  p.columns = kColumns;
  p.input_stride = p.output_stride = kStride;
  p.input = memory_;
  p.output = memory_ + 8192;
  p.weight = put(weight, 16384);
  p.epsilon = 1e-5f;
  const dmoe_matrix_f32 m = rows();
  std::vector<float> cpu(static_cast<std::size_t>(kRows * kColumns));
  const dmoe_output_f32 out{sizeof out, cpu.data(), kRows, kColumns, kColumns};
  for (const int32_t centered : {0, 1}) {
    p.centered = centered;
    p.bias = centered != 0 ? put(bias, 20480) : 0;
    ASSERT_EQ(centered != 0 ? dmoe_layer_norm(&m, weight.data(), bias.data(), 1e-5f, &out)
                            : dmoe_rms_norm(&m, weight.data(), 1e-5f, &out),
              DMOE_OK);
    ASSERT_EQ(dmoe_device_norm(device_.get(), &p, nullptr), DMOE_OK) << dmoe_last_error();
    const std::vector<float> got = get(p.output, kRows * kStride);
    for (int64_t r = 0; r < kRows; ++r)
      for (int64_t c = 0; c < kColumns; ++c)
        EXPECT_NEAR(got[static_cast<std::size_t>(r * kStride + c)],
                    cpu[static_cast<std::size_t>(r * kColumns + c)], 1e-5);
  }
  p.centered = 0;
  EXPECT_EQ(told(dmoe_device_norm(device_.get(), &p, nullptr)),
            "DMOE_E_ARGUMENT device_norm: params.bias is given, but centered is 0");
  p.bias = 0;
  p.epsilon = NAN;
  EXPECT_EQ(dmoe_device_norm(device_.get(), &p, nullptr), DMOE_E_OPTIONS);
}

}  // namespace
}  // namespace dmoe::test
