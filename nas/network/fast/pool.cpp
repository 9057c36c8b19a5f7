// Max-pooling on maps in channels-last order. torch's own takes three to five times as long (benchmarks/README.md).

#include <cmath>
#include <vector>

#include "vectors.h"

namespace {

// Windows of kernel x kernel; `place` receives which of its pixels (0 to kernel^2 - 1) won, the first of equals.
template <class T>
void pool_forward(const T* x, long xs, T* y, long ys, uint8_t* place, long images, long height, long width,
                  long channels, long out_height, long out_width, int kernel, int stride, int padding, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (long line = 0; line < images * out_height; ++line) {
        const long image = line / out_height, top = line % out_height * stride - padding;
        const T* plane = x + image * height * width * xs;
        for (long column = 0; column < out_width; ++column) {
            const long left = column * stride - padding, out = line * out_width + column;
            const int i0 = top < 0 ? static_cast<int>(-top) : 0, j0 = left < 0 ? static_cast<int>(-left) : 0;
            const int i1 = static_cast<int>(least(kernel, height - top)), j1 = static_cast<int>(least(kernel, width - left));
            for (long c = 0; c < channels; c += L) {
                const Lanes n(channels - c);
                Vec best = fill(-INFINITY);
                Int winner = Int{} + (i0 * kernel + j0);
                for (int i = i0; i < i1; ++i)
                    for (int j = j0; j < j1; ++j) {
                        const Vec v = load(plane + ((top + i) * width + left + j) * xs + c, n);
                        const Int better = (v > best) | (v != v);
                        best = better ? v : best;
                        winner = better ? Int{} + (i * kernel + j) : winner;
                    }
                store(y + out * ys + c, best, n);
                store_bytes(place + out * channels + c, winner, n);
            }
        }
    }
}

#ifdef WIDE

// bfloat16 as whole numbers in the same order, 32 at a time: NaN above all, and both zeros equal.
inline __m512i ordered(__m512i v) {
    const __m512i size = _mm512_and_si512(v, _mm512_set1_epi16(0x7fff));
    const __m512i key = _mm512_mask_sub_epi16(v, _mm512_movepi16_mask(v), _mm512_setzero_si512(), size);
    return _mm512_mask_mov_epi16(key, _mm512_cmpgt_epu16_mask(size, _mm512_set1_epi16(0x7f80)), _mm512_set1_epi16(0x7fff));
}
inline __m512i value(__m512i key) {
    const __m512i minus = _mm512_sub_epi16(_mm512_set1_epi16(-0x8000), key);
    return _mm512_mask_mov_epi16(key, _mm512_movepi16_mask(key), minus);
}

// As above, with comparisons of whole numbers: a third of the instructions.
template <>
void pool_forward(const bfloat* x, long xs, bfloat* y, long ys, uint8_t* place, long images, long height, long width,
                  long channels, long out_height, long out_width, int kernel, int stride, int padding, int threads) {
    constexpr long W = 2 * L;
    const long groups = (channels + W - 1) / W;
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        std::vector<bfloat> keys(height * width * W);
#pragma omp for schedule(static)
        for (long at = 0; at < images * groups; ++at) {
            const long image = at / groups, c = at % groups * W, left_over = channels - c;
            const __mmask32 n = left_over >= W ? 0xffffffffu : (1u << left_over) - 1;
            const bfloat* plane = x + image * height * width * xs + c;
            for (long pixel = 0; pixel < height * width; ++pixel)
                _mm512_storeu_si512(keys.data() + pixel * W, ordered(_mm512_maskz_loadu_epi16(n, plane + pixel * xs)));
            for (long row = 0; row < out_height; ++row) {
                const long top = row * stride - padding;
                const int i0 = top < 0 ? static_cast<int>(-top) : 0, i1 = static_cast<int>(least(kernel, height - top));
                for (long column = 0; column < out_width; ++column) {
                    const long left = column * stride - padding, out = (image * out_height + row) * out_width + column;
                    const int j0 = left < 0 ? static_cast<int>(-left) : 0;
                    const int j1 = static_cast<int>(least(kernel, width - left));
                    __m512i best = _mm512_set1_epi16(-0x8000), winner = _mm512_setzero_si512();
                    for (int i = i0; i < i1; ++i)
                        for (int j = j0; j < j1; ++j) {
                            const __m512i key = _mm512_loadu_si512(keys.data() + ((top + i) * width + left + j) * W);
                            const __mmask32 better = _mm512_cmpgt_epi16_mask(key, best);
                            best = _mm512_max_epi16(key, best);
                            winner = _mm512_mask_mov_epi16(winner, better, _mm512_set1_epi16(i * kernel + j));
                        }
                    _mm512_mask_storeu_epi16(y + out * ys + c, n, value(best));
                    _mm256_mask_storeu_epi8(place + out * channels + c, n, _mm512_cvtepi16_epi8(winner));
                }
            }
        }
    }
}

#endif

// Gathers for every pixel what the windows that it won send back; adds to dx, or overwrites it.
template <class T>
void pool_backward(const T* g, long gs, T* dx, long ds, const uint8_t* place, long images, long height, long width,
                   long channels, long out_height, long out_width, int kernel, int stride, int padding, int add,
                   int threads) {
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (long line = 0; line < images * height; ++line) {
        const long image = line / height, row = line % height + padding;
        const long i0 = row < kernel ? 0 : (row - kernel) / stride + 1, i1 = least(row / stride, out_height - 1);
        for (long x = 0; x < width; ++x) {
            const long column = x + padding, j0 = column < kernel ? 0 : (column - kernel) / stride + 1;
            const long j1 = least(column / stride, out_width - 1);
            for (long c = 0; c < channels; c += L) {
                const Lanes n(channels - c);
                T* d = dx + (line * width + x) * ds + c;
                Vec sum = add ? load(d, n) : Vec{};
                for (long i = i0; i <= i1; ++i)
                    for (long j = j0; j <= j1; ++j) {
                        const long out = (image * out_height + i) * out_width + j;
                        const int mine = static_cast<int>((row - i * stride) * kernel + column - j * stride);
                        const Int won = load_bytes(place + out * channels + c, n) == Int{} + mine;
                        const Vec back = load(g + out * gs + c, n);
                        sum += won ? back : Vec{};
                    }
                store(d, sum, n);
            }
        }
    }
}

}  // namespace

#define EACH_TYPE(T, NAME)                                                                                             \
    extern "C" void pool_forward_##NAME(const T* x, long xs, T* y, long ys, uint8_t* place, long images, long height,  \
                                        long width, long channels, long out_height, long out_width, int kernel,        \
                                        int stride, int padding, int threads) {                                        \
        pool_forward<T>(x, xs, y, ys, place, images, height, width, channels, out_height, out_width, kernel, stride,   \
                        padding, threads);                                                                             \
    }                                                                                                                  \
    extern "C" void pool_backward_##NAME(const T* g, long gs, T* dx, long ds, const uint8_t* place, long images,       \
                                         long height, long width, long channels, long out_height, long out_width,      \
                                         int kernel, int stride, int padding, int add, int threads) {                  \
        pool_backward<T>(g, gs, dx, ds, place, images, height, width, channels, out_height, out_width, kernel, stride, \
                         padding, add, threads);                                                                       \
    }

EACH_TYPE(float, float32)
EACH_TYPE(bfloat, bfloat16)
