// limits: operands of the 8-bit product on 512-bit vectors; a level adds its instruction. Include after
// limits.inl.

namespace dmoe {
namespace {

struct PeakLanesInt8 {
  using Task = PeakInt8;
  using Sum = __m512i;
  using Left = __m512i;
  using Right = __m512i;
  static constexpr int kLaneElements = 4;
  static DMOE_INLINE Sum load_sum(const int32_t* p) { return _mm512_loadu_si512(p); }
  static DMOE_INLINE void store_sum(int32_t* p, Sum a) { _mm512_storeu_si512(p, a); }
  static DMOE_INLINE Left left(const uint8_t* p) { return _mm512_loadu_si512(p); }
  static DMOE_INLINE Right right(const int8_t* p) {
    int32_t quad;
    __builtin_memcpy(&quad, p, sizeof quad);
    return _mm512_set1_epi32(quad);
  }
};

}  // namespace
}  // namespace dmoe
