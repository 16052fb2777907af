// experts: the body of every level. Include after a simd_*.hpp, simd_math.inl and panel_gemm.inl.

namespace dmoe {
namespace {

// Values are those of dmoe_expert_kind (checked where the kernel table is built).
enum Activation { kSwiglu = 0, kGelu = 1, kGeluTanh = 2, kRelu = 3, kSilu = 4 };

DMOE_INLINE void put(float* p, Vec a) { store(p, a); }
DMOE_INLINE void put(uint16_t* p, Vec a) { store_bf16(p, a); }

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

template <class Element, int Kind>
void activate_group(const ExpertsUp& t, const float* bias, int64_t columns, Element* hidden) {
  for (int64_t row = 0; row < t.gemm.m; ++row) {
    const float* sums = t.gemm.out + row * t.gemm.out_stride;
    Element* h = hidden + row * t.hidden_stride;
    if constexpr (Kind == kSwiglu) {
      for (int64_t c = 0; c < columns; c += 32, h += 16) {
        put(h, mul(vsilu(biased(sums, bias, c)), biased(sums, bias, c + 16)));
      }
    } else {
      for (int64_t c = 0; c < columns; c += 16, h += 16) put(h, activate<Kind>(biased(sums, bias, c)));
    }
  }
}

template <class Element>
void activate_group_of(const ExpertsUp& t, const float* bias, int64_t columns, Element* hidden) {
  switch (t.kind) {
    case kSwiglu:
      return activate_group<Element, kSwiglu>(t, bias, columns, hidden);
    case kGelu:
      return activate_group<Element, kGelu>(t, bias, columns, hidden);
    case kGeluTanh:
      return activate_group<Element, kGeluTanh>(t, bias, columns, hidden);
    case kRelu:
      return activate_group<Element, kRelu>(t, bias, columns, hidden);
    default:
      return activate_group<Element, kSilu>(t, bias, columns, hidden);
  }
}

template <class Format>
DMOE_INLINE void experts_up(const ExpertsUp& t) {
  using Element = typename Format::Element;
  const int64_t steps = (t.gemm.k + Format::kStepElements - 1) / Format::kStepElements;
  const int64_t panel_elements = steps * Format::kStepElements * kPanelColumns;
  const int64_t panel_hidden = t.kind == kSwiglu ? 16 : 32;
  for (int64_t panel = 0; panel < t.gemm.panel_count; panel += kUpGroupPanels) {
    const int64_t left = t.gemm.panel_count - panel;
    PanelGemm group = t.gemm;
    group.panels = static_cast<const Element*>(t.gemm.panels) + panel * panel_elements;
    group.panel_count = left < kUpGroupPanels ? left : kUpGroupPanels;
    panel_gemm<Format>(group);
    activate_group_of(t, t.bias == nullptr ? nullptr : t.bias + panel * kPanelColumns,
                      group.panel_count * kPanelColumns,
                      static_cast<Element*>(t.hidden) + panel * panel_hidden);
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
