#include "host/pack_weights.hpp"

#include <cstring>

#include "core/thread_pool.hpp"

namespace dmoe::cuda {
namespace {

uint32_t word_at(const std::byte* from) {
  uint32_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}
void put_word(uint32_t word, std::byte* to) { std::memcpy(to, &word, sizeof word); }

// [K / 2][32 columns][2]: an even k and the next are a word in both.
void pack_halves(int32_t k, const std::byte* from, std::byte* to) {
  const int32_t pairs = (k + 1) / 2;  // that the CPU's panel has
  for (int32_t b = 0; b < blocks_of(k); ++b, to += block_bytes(DMOE_FORMAT_BF16)) {
    for (int32_t c = 0; c < kPanel; ++c) {
      for (int32_t p = 0; p < kBlock / 2; ++p) {
        const int64_t pair = int64_t{b} * kBlock / 2 + p;
        put_word(pair < pairs ? word_at(from + (pair * kPanel + c) * 4) : 0,
                 to + value_byte(DMOE_FORMAT_BF16, c, 2 * p));
      }
    }
  }
}

void pack_scales(int32_t format, const std::byte* from, std::byte* to) {
  for (int32_t c = 0; c < kPanel; ++c) {
    std::memcpy(to + scale_byte(format, c), from + block_bytes(format) - kScaleBytes + 2 * c, 2);
  }
}

// [8 steps][32 columns][4 k] bytes.
void pack_bytes_block(const std::byte* from, std::byte* to) {
  for (int32_t k = 0; k < kBlock; ++k) {
    for (int32_t c = 0; c < kPanel; ++c) {
      to[value_byte(DMOE_FORMAT_Q8, c, k)] = from[(k / 4 * kPanel + c) * 4 + k % 4];
    }
  }
}

// [4 pairs of steps][32 columns][4 k] bytes, the first step in the low nibbles. Elements k and k + 8 share a
// byte on the device.
void pack_nibbles_block(const std::byte* from, std::byte* to) {
  const auto nibble = [&](int32_t c, int32_t k) {
    return from[(k / 8 * kPanel + c) * 4 + k % 4] >> (k % 8 / 4 * 4) & std::byte{15};
  };
  for (int32_t k = 0; k < kBlock; ++k) {
    if (high_nibble(k)) continue;
    for (int32_t c = 0; c < kPanel; ++c) {
      to[value_byte(DMOE_FORMAT_Q4, c, k)] = nibble(c, k) | nibble(c, k + 8) << 4;
    }
  }
}

// Copies bytes and zeros what is left of `room`.
void copy_padded(const void* from, int64_t bytes, int64_t room, std::byte* to) {
  if (bytes > 0) std::memcpy(to, from, static_cast<std::size_t>(bytes));
  std::memset(to + bytes, 0, static_cast<std::size_t>(room - bytes));
}

}  // namespace

ExpertLayout expert_layout(const Experts& experts) {
  return expert_layout(experts.format(), experts.kind(), experts.hidden(), experts.width(),
                       experts.view(0).down_bias != nullptr);
}

void pack_panel(int32_t format, int32_t k, const std::byte* from, std::byte* to) {
  switch (format) {
    case DMOE_FORMAT_F32:
      std::memcpy(to, from, static_cast<std::size_t>(panel_bytes(format, k)));
      return;
    case DMOE_FORMAT_BF16:
      return pack_halves(k, from, to);
    default:
      for (int32_t b = 0; b < blocks_of(k); ++b, from += block_bytes(format), to += block_bytes(format)) {
        format == DMOE_FORMAT_Q8 ? pack_bytes_block(from, to) : pack_nibbles_block(from, to);
        pack_scales(format, from, to);
      }
  }
}

void pack_weights(const Experts& experts, int32_t expert, std::byte* to) {
  const int32_t format = experts.format();
  const ExpertLayout layout = expert_layout(experts);
  const ExpertView from = experts.view(expert);
  const int64_t ups = experts.up_panels(), downs = experts.down_panels();
  const int64_t up_bytes = panel_bytes(format, experts.hidden());
  const int64_t down_bytes = panel_bytes(format, experts.width());
  parallel_for(ups + downs, region_threads(0), [&](int64_t p, int) {
    if (p < ups) {
      pack_panel(format, experts.hidden(), from.up + p * experts.up_panel_bytes(), to + p * up_bytes);
    } else {
      const int64_t d = p - ups;
      pack_panel(format, experts.width(), from.down + d * experts.down_panel_bytes(),
                 to + layout.down + d * down_bytes);
    }
  });
  copy_padded(nullptr, 0, layout.down - ups * up_bytes, to + ups * up_bytes);
  copy_padded(nullptr, 0, layout.up_bias - layout.down - downs * down_bytes,
              to + layout.down + downs * down_bytes);
  if (from.down_bias == nullptr) return;
  copy_padded(from.up_bias, ups * kPanel * 4, layout.down_bias - layout.up_bias, to + layout.up_bias);
  copy_padded(from.down_bias, downs * kPanel * 4, layout.bytes - layout.down_bias, to + layout.down_bias);
}

}  // namespace dmoe::cuda
