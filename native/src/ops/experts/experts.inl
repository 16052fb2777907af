// experts: the body of every level. Include after a simd_*.hpp, simd_math.inl and panel_gemm.inl; where the
// 8- and 4-bit formats are wanted, panel_quant.inl comes before panel_gemm.inl.

namespace dmoe {
namespace {

// Values are those of dmoe_expert_kind (checked where the kernel table is built).
enum Activation { kSwiglu = 0, kGelu = 1, kGeluTanh = 2, kRelu = 3, kSilu = 4 };

DMOE_INLINE Vec biased(const float* sums, const float* bias, int64_t column) {
  const Vec s = load(sums + column);
  return bias == nullptr ? s : add(s, load(bias + column));
}

template <int Kind>
DMOE_INLINE Vec activate(Vec a) {
  if constexpr (Kind == kGelu) return vgelu_erf(a);
  if constexpr (Kind == kGeluTanh) return vgelu_tanh(a);
  if constexpr (Kind == kRelu) return vrelu(a);
  return vsilu(a);
}

// 16 columns of h to memory; blocks of quantised formats are made once 32 are at hand.
template <class Format>
struct HiddenRow {
  static constexpr int64_t kColumnBytes = sizeof(typename Format::Element);
  uint8_t* at;
  DMOE_INLINE void put(Vec h) {
    if constexpr (kColumnBytes == 2) {
      store_bf16(reinterpret_cast<uint16_t*>(at), h);
    } else {
      store(reinterpret_cast<float*>(at), h);
    }
    at += 16 * kColumnBytes;
  }
  DMOE_INLINE void finish() {}
};

#ifdef DMOE_PANEL_QUANT

template <class Format>
struct QuantHiddenRow {
  uint8_t* at;
  bool half = false;
  Vec first;
  DMOE_INLINE void put(Vec h) {
    if (half) {
      quantise_block(first, h, Format::kOffset, reinterpret_cast<QuantBlock*>(at));
      at += sizeof(QuantBlock);
    }
    first = h;
    half = !half;
  }
  DMOE_INLINE void finish() {
    if (half) put(zero());
  }
};
template <>
struct HiddenRow<FormatQ8> : QuantHiddenRow<FormatQ8> {};
template <>
struct HiddenRow<FormatQ4> : QuantHiddenRow<FormatQ4> {};

#endif

template <class Format, int Kind>
void activate_group(const ExpertsUp& t, const float* bias, int64_t columns, uint8_t* hidden) {
  for (int64_t row = 0; row < t.gemm.m; ++row) {
    const float* sums = t.gemm.out + row * t.gemm.out_stride;
    HiddenRow<Format> h{};
    h.at = hidden + row * t.hidden_stride;
    if constexpr (Kind == kSwiglu) {
      for (int64_t c = 0; c < columns; c += 32) {
        h.put(mul(vsilu(biased(sums, bias, c)), biased(sums, bias, c + 16)));
      }
    } else {
      for (int64_t c = 0; c < columns; c += 16) h.put(activate<Kind>(biased(sums, bias, c)));
    }
    h.finish();
  }
}

template <class Format>
void activate_group_of(const ExpertsUp& t, const float* bias, int64_t columns, uint8_t* hidden) {
  switch (t.kind) {
    case kSwiglu:
      return activate_group<Format, kSwiglu>(t, bias, columns, hidden);
    case kGelu:
      return activate_group<Format, kGelu>(t, bias, columns, hidden);
    case kGeluTanh:
      return activate_group<Format, kGeluTanh>(t, bias, columns, hidden);
    case kRelu:
      return activate_group<Format, kRelu>(t, bias, columns, hidden);
    default:
      return activate_group<Format, kSilu>(t, bias, columns, hidden);
  }
}

// Bytes that the columns of h take; a group yields whole blocks of quantised formats.
template <class Format>
DMOE_INLINE int64_t hidden_bytes(int64_t columns) {
#ifdef DMOE_PANEL_QUANT
  if constexpr (Format::kQuantised) {
    return columns / kQuantBlock * static_cast<int64_t>(sizeof(QuantBlock));
  } else
#endif
    return columns * HiddenRow<Format>::kColumnBytes;
}

template <class Format>
DMOE_INLINE void experts_up(const ExpertsUp& t) {
  const int64_t stride = panel_stride<Format>(t.gemm.k);
  const int64_t panel_hidden = t.kind == kSwiglu ? 16 : 32;
  for (int64_t panel = 0; panel < t.gemm.panel_count; panel += kUpGroupPanels) {
    const int64_t left = t.gemm.panel_count - panel;
    PanelGemm group = t.gemm;
    group.panels = static_cast<const uint8_t*>(t.gemm.panels) + panel * stride;
    group.panel_count = left < kUpGroupPanels ? left : kUpGroupPanels;
    panel_gemm<Format>(group);
    activate_group_of<Format>(t, t.bias == nullptr ? nullptr : t.bias + panel * kPanelColumns,
                              group.panel_count * kPanelColumns,
                              static_cast<uint8_t*>(t.hidden) + hidden_bytes<Format>(panel * panel_hidden));
  }
}

template <class Format>
DMOE_INLINE void experts_down(const ExpertsDown& t) {
  panel_gemm<Format>(t.gemm);
  if (t.bias == nullptr) return;
  for (int64_t row = 0; row < t.gemm.m; ++row) {
    float* y = t.gemm.out + row * t.gemm.out_stride;
    for (int64_t c = 0; c < t.gemm.panel_count * kPanelColumns; c += 16) {
      store(y + c, add(load(y + c), load(t.bias + c)));
    }
  }
}

}  // namespace
}  // namespace dmoe
