// Vectors of 16 floats, loaded from and stored as float or bfloat16: with AVX-512 where there is, by the compiler elsewhere.

#pragma once

#include <cmath>
#include <cstdint>
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#include <immintrin.h>
#define WIDE 1
#endif
#ifdef _OPENMP
#include <omp.h>
#endif

namespace {

constexpr int L = 16;  // Values a vector.
typedef float Vec __attribute__((vector_size(64)));
typedef int32_t Int __attribute__((vector_size(64)));
typedef uint16_t bfloat;

inline Vec fill(float value) { return Vec{} + value; }
inline Vec root(Vec v) {
#ifdef WIDE
    return (Vec)_mm512_sqrt_ps((__m512)v);
#else
    for (int i = 0; i < L; ++i) v[i] = std::sqrt(v[i]);
    return v;
#endif
}

// How many of a vector's values are there, fixed before a loop over pixels.
#ifdef WIDE
struct Lanes {
    __mmask16 mask;
    explicit Lanes(long n) : mask(static_cast<__mmask16>(n >= L ? 0xffff : n <= 0 ? 0 : (1 << n) - 1)) {}
};
inline Vec load(const float* p, Lanes lanes) { return (Vec)_mm512_maskz_loadu_ps(lanes.mask, p); }
inline Vec load(const bfloat* p, Lanes lanes) {
    const __m256i half = _mm256_maskz_loadu_epi16(lanes.mask, p);
    return (Vec)_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}
inline void store(float* p, Vec v, Lanes lanes) { _mm512_mask_storeu_ps(p, lanes.mask, (__m512)v); }
inline void store(bfloat* p, Vec v, Lanes lanes) {
    const __m512i bits = _mm512_castps_si512((__m512)v);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i sum = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
    _mm256_mask_storeu_epi16(p, lanes.mask, _mm512_cvtepi32_epi16(_mm512_srli_epi32(sum, 16)));
}
inline Int load_bytes(const uint8_t* p, Lanes lanes) {
    return (Int)_mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(lanes.mask, p));
}
inline void store_bytes(uint8_t* p, Int v, Lanes lanes) {
    _mm_mask_storeu_epi8(p, lanes.mask, _mm512_cvtepi32_epi8((__m512i)v));
}
#else
struct Lanes {
    int n;
    explicit Lanes(long count) : n(static_cast<int>(count >= L ? L : count <= 0 ? 0 : count)) {}
};
inline Vec load(const float* p, Lanes lanes) {
    Vec v{};
    for (int i = 0; i < lanes.n; ++i) v[i] = p[i];
    return v;
}
inline Vec load(const bfloat* p, Lanes lanes) {
    Int bits{};
    for (int i = 0; i < lanes.n; ++i) bits[i] = static_cast<int32_t>(static_cast<uint32_t>(p[i]) << 16);
    return (Vec)bits;
}
inline void store(float* p, Vec v, Lanes lanes) {
    for (int i = 0; i < lanes.n; ++i) p[i] = v[i];
}
inline void store(bfloat* p, Vec v, Lanes lanes) {
    const Int bits = (Int)v;
    for (int i = 0; i < lanes.n; ++i) {
        const uint32_t u = static_cast<uint32_t>(bits[i]);
        p[i] = static_cast<bfloat>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
    }
}
inline Int load_bytes(const uint8_t* p, Lanes lanes) {
    Int v{};
    for (int i = 0; i < lanes.n; ++i) v[i] = p[i];
    return v;
}
inline void store_bytes(uint8_t* p, Int v, Lanes lanes) {
    for (int i = 0; i < lanes.n; ++i) p[i] = static_cast<uint8_t>(v[i]);
}
#endif

inline int here() {
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

inline long least(long a, long b) { return a < b ? a : b; }

}  // namespace
