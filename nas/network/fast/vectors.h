// Vectors of as many floats as the processor takes at once, loaded from and stored as float or bfloat16.

#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#ifdef __AVX2__
#include <immintrin.h>
#endif
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#define WIDE 1
#endif
#ifdef _OPENMP
#include <omp.h>
#endif

namespace {

// Values a vector. A wider one than the processor has is taken apart by the compiler, comparisons one value at a time.
#if defined(WIDE)
constexpr int L = 16;
#elif defined(__AVX2__)
constexpr int L = 8;
#else
constexpr int L = 4;
#endif
typedef float Vec __attribute__((vector_size(4 * L)));
typedef int32_t Int __attribute__((vector_size(4 * L)));
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
typedef uint32_t Bits __attribute__((vector_size(4 * L)));
typedef uint16_t Half __attribute__((vector_size(2 * L)));
typedef uint8_t Bytes __attribute__((vector_size(L)));

struct Lanes {
    int n;
    explicit Lanes(long count) : n(static_cast<int>(count >= L ? L : count <= 0 ? 0 : count)) {}
};

// The first n of L values. Sizes that the compiler knows are copied without a call.
template <class T>
inline void copy(T* to, const T* from, int n) {
    if (n == L) {
        std::memcpy(to, from, L * sizeof(T));
        return;
    }
    if (n & 4) std::memcpy(to, from, 4 * sizeof(T)), to += 4, from += 4;
    if (n & 2) std::memcpy(to, from, 2 * sizeof(T)), to += 2, from += 2;
    if (n & 1) *to = *from;
}
template <class V, class T>
inline V some(const T* p, Lanes lanes) {
    V v{};
    copy(reinterpret_cast<T*>(&v), p, lanes.n);
    return v;
}
inline Vec load(const float* p, Lanes lanes) {
#ifdef __AVX2__
    if (lanes.n < L) {  // Pieces written to memory could not be read as one before all of them have arrived there.
        const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        return (Vec)_mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes.n), places));
    }
#endif
    return some<Vec>(p, lanes);
}
inline Vec load(const bfloat* p, Lanes lanes) {
    return (Vec)(__builtin_convertvector(some<Half>(p, lanes), Bits) << 16);
}
inline void store(float* p, Vec v, Lanes lanes) { copy(p, reinterpret_cast<const float*>(&v), lanes.n); }
inline void store(bfloat* p, Vec v, Lanes lanes) {
    const Bits u = (Bits)v;
    const Half half = __builtin_convertvector((u + 0x7fffu + ((u >> 16) & 1u)) >> 16, Half);
    copy(p, reinterpret_cast<const bfloat*>(&half), lanes.n);
}
inline Int load_bytes(const uint8_t* p, Lanes lanes) {
    const Bytes bytes = some<Bytes>(p, lanes);
#ifdef __AVX2__
    return (Int)_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)bytes));
#else
    return __builtin_convertvector(bytes, Int);
#endif
}
inline void store_bytes(uint8_t* p, Int v, Lanes lanes) {
#ifdef __AVX2__
    const __m128i pairs = _mm_packus_epi32(_mm256_castsi256_si128((__m256i)v), _mm256_extracti128_si256((__m256i)v, 1));
    const Bytes bytes = (Bytes)_mm_cvtsi128_si64(_mm_packus_epi16(pairs, pairs));
#else
    const Bytes bytes = __builtin_convertvector(v, Bytes);
#endif
    copy(p, reinterpret_cast<const uint8_t*>(&bytes), lanes.n);
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
