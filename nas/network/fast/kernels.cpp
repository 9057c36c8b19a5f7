// What a training step does between its convolutions, on maps in channels-last order: batch-norm with ReLU, and sums.
// torch's own kernels for these and for max-pooling took two thirds of a step of a network with large maps
// (benchmarks/README.md).
//
// A map is `rows` pixels (images x height x width) of `channels` values; pixel r starts at x + r * stride, so that a map may
// be a slice of the channels of another one: concatenation then costs nothing. Values are float or bfloat16, arithmetic
// is float, sums over pixels are kept in double.

#include <cmath>
#include <vector>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "vectors.h"

namespace {

constexpr long BLOCK = 128;  // Pixels that are summed in float before they go to a double, and that stay in the cache.
constexpr long LARGE = 1 << 20;  // Bytes of a map whose next block is asked for while one is worked on.

// Whether channels from c on begin a cache line of such a map.
template <class T>
bool fetches(long c, long rows, long channels) {
    constexpr long size = sizeof(T);
    return c % (64 / size) == 0 && rows * channels * size >= LARGE;
}

// Asks for the same place in the next block; past the end of a map it is a hint that does nothing.
template <class T>
void fetch(const T* p, long stride) { __builtin_prefetch(p + BLOCK * stride, 0, 2); }

// Calls body(first row, rows) for every block, and body's inner loops run over channels L at a time.
template <class Body>
void blocks(long rows, int threads, const Body& body) {
    const long count = (rows + BLOCK - 1) / BLOCK;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1 && count > 1)
    for (long b = 0; b < count; ++b) body(b * BLOCK, least(BLOCK, rows - b * BLOCK));
}

// Two sums over pixels a channel, of what value(first pixel, pixels, first channel, lanes, ...) adds to them.
template <class Value>
void sums(long rows, long channels, int threads, double* first, double* second, const Value& value) {
    const long padded = (channels + L - 1) / L * L;
    std::vector<double> partial(static_cast<size_t>(threads) * 2 * padded, 0.0);
    blocks(rows, threads, [&](long start, long count) {
        double* mine = partial.data() + static_cast<size_t>(here()) * 2 * padded;
        for (long c = 0; c < channels; c += L) {
            Vec a{}, b{};
            value(start, count, c, Lanes(channels - c), a, b);
            for (int i = 0; i < least(L, channels - c); ++i) mine[c + i] += a[i], mine[padded + c + i] += b[i];
        }
    });
    for (long c = 0; c < channels; ++c) {
        first[c] = second[c] = 0.0;
        for (int t = 0; t < threads; ++t) {
            first[c] += partial[static_cast<size_t>(t) * 2 * padded + c];
            second[c] += partial[static_cast<size_t>(t) * 2 * padded + padded + c];
        }
    }
}

// y = x * scale + shift, rectified or not.
template <class T>
void affine(const T* x, long xs, T* y, long ys, long rows, long channels, const float* scale, const float* shift,
            int relu, int threads) {
    const Vec low = fill(relu ? 0.0f : -INFINITY);
    blocks(rows, threads, [&](long start, long count) {
        for (long c = 0; c < channels; c += L) {
            const Lanes n(channels - c);
            const Vec a = load(scale + c, n), b = load(shift + c, n);
            const bool far = fetches<T>(c, rows, channels);
            for (long r = start; r < start + count; ++r) {
                if (far) fetch(x + r * xs + c, xs), fetch(y + r * ys + c, ys);
                const Vec v = load(x + r * xs + c, n) * a + b;
                store(y + r * ys + c, v < low ? low : v, n);  // Keeps a NaN.
            }
        }
    });
}

// Batch-norm over all pixels, with ReLU; saved receives the mean, then one over the standard deviation, a channel.
template <class T>
void norm_forward(const T* x, long xs, T* y, long ys, long rows, long channels, const float* gamma, const float* beta,
                  float* running_mean, float* running_var, float momentum, float eps, float* saved, int relu,
                  int threads) {
    std::vector<double> total(2 * channels);
    std::vector<float> origin(channels + L), line(2 * channels);
    // Sums of differences to the first pixel lose no digits where the mean is far from zero.
    for (long c = 0; c < channels; c += L) {
        const Lanes n(channels - c);
        store(origin.data() + c, load(x + c, n), n);
    }
    sums(rows, channels, threads, total.data(), total.data() + channels,
         [&](long start, long count, long c, Lanes n, Vec& a, Vec& b) {
             const Vec zero = load(origin.data() + c, n);
             const T* p = x + start * xs + c;
             Vec a1{}, b1{};  // Two pixels at a time, for additions wait for one another.
             const bool far = fetches<T>(c, rows, channels);
             long r = 0;
             for (; r + 1 < count; r += 2, p += 2 * xs) {
                 if (far) fetch(p, xs), fetch(p + xs, xs);
                 const Vec v = load(p, n) - zero, w = load(p + xs, n) - zero;
                 a += v, b += v * v, a1 += w, b1 += w * w;
             }
             if (r < count) {
                 const Vec v = load(p, n) - zero;
                 a += v, b += v * v;
             }
             a += a1, b += b1;
         });
    for (long c = 0; c < channels; ++c) {
        const double shifted = total[c] / rows, mean = shifted + origin[c];
        double var = total[channels + c] / rows - shifted * shifted;
        if (var < 0.0) var = 0.0;
        const double invstd = 1.0 / std::sqrt(var + eps);
        saved[c] = static_cast<float>(mean);
        saved[channels + c] = static_cast<float>(invstd);
        running_mean[c] += momentum * (static_cast<float>(mean) - running_mean[c]);
        const double unbiased = rows > 1 ? var * rows / (rows - 1.0) : var;
        running_var[c] += momentum * (static_cast<float>(unbiased) - running_var[c]);
        line[c] = static_cast<float>(gamma[c] * invstd);
        line[channels + c] = static_cast<float>(beta[c] - mean * gamma[c] * invstd);
    }
    affine(x, xs, y, ys, rows, channels, line.data(), line.data() + channels, relu, threads);
}

// Gradients of the above. The ReLU's mask is computed again from x. With `still`, statistics are constants.
template <class T>
void norm_backward(const T* x, long xs, const T* g, long gs, T* dx, long ds, long rows, long channels,
                   const float* gamma, const float* beta, const float* saved, float* dgamma, float* dbeta, int relu,
                   int still, int threads) {
    std::vector<double> total(2 * channels);
    std::vector<float> line(5 * channels);
    float *scale = line.data(), *shift = scale + channels, *slope = shift + channels, *fixed = slope + channels;
    for (long c = 0; c < channels; ++c) {
        scale[c] = gamma[c] * saved[channels + c];
        shift[c] = beta[c] - saved[c] * scale[c];
    }
    const Vec none{};
    sums(rows, channels, threads, total.data(), total.data() + channels,
         [&](long start, long count, long c, Lanes n, Vec& a, Vec& b) {
             const Vec mean = load(saved + c, n), up = load(scale + c, n), by = load(shift + c, n);
             const T *p = x + start * xs + c, *q = g + start * gs + c;
             Vec a1{}, b1{};
             const bool far = fetches<T>(c, rows, channels);
             long r = 0;
             for (; r + 1 < count; r += 2, p += 2 * xs, q += 2 * gs) {
                 if (far) fetch(p, xs), fetch(p + xs, xs), fetch(q, gs), fetch(q + gs, gs);
                 const Vec v = load(p, n), v1 = load(p + xs, n);
                 Vec w = load(q, n), w1 = load(q + gs, n);
                 if (relu) w = v * up + by > none ? w : none, w1 = v1 * up + by > none ? w1 : none;
                 a += w, b += w * (v - mean), a1 += w1, b1 += w1 * (v1 - mean);
             }
             if (r < count) {
                 const Vec v = load(p, n);
                 Vec w = load(q, n);
                 if (relu) w = v * up + by > none ? w : none;
                 a += w, b += w * (v - mean);
             }
             a += a1, b += b1;
         });
    for (long c = 0; c < channels; ++c) {
        const double invstd = saved[channels + c], sum = total[c], product = total[channels + c];
        dbeta[c] = static_cast<float>(sum);
        dgamma[c] = static_cast<float>(product * invstd);
        // dx = scale * (g - sum / rows - (x - mean) * invstd^2 * product / rows) = scale * g + slope * x + fixed
        slope[c] = still ? 0.0f : static_cast<float>(-scale[c] * invstd * invstd * product / rows);
        fixed[c] = still ? 0.0f : static_cast<float>(-scale[c] * sum / rows - slope[c] * static_cast<double>(saved[c]));
    }
    blocks(rows, threads, [&](long start, long count) {
        for (long c = 0; c < channels; c += L) {
            const Lanes n(channels - c);
            const Vec a = load(scale + c, n), b = load(shift + c, n), s = load(slope + c, n), f = load(fixed + c, n);
            const T *p = x + start * xs + c, *q = g + start * gs + c;
            T* d = dx + start * ds + c;
            const bool far = fetches<T>(c, rows, channels);
            if (relu) {
                for (long r = 0; r < count; ++r, p += xs, q += gs, d += ds) {
                    if (far) fetch(p, xs), fetch(q, gs), fetch(d, ds);
                    const Vec v = load(p, n), w = v * a + b > none ? load(q, n) : none;
                    store(d, a * w + (s * v + f), n);
                }
            } else {
                for (long r = 0; r < count; ++r, p += xs, q += gs, d += ds)
                    store(d, a * load(q, n) + (s * load(p, n) + f), n);
            }
        }
    });
}

// y += x.
template <class T>
void merge(const T* x, long xs, T* y, long ys, long rows, long channels, int threads) {
    blocks(rows, threads, [&](long start, long count) {
        for (long r = start; r < start + count; ++r)
            for (long c = 0; c < channels; c += L) {
                const Lanes n(channels - c);
                store(y + r * ys + c, load(x + r * xs + c, n) + load(y + r * ys + c, n), n);
            }
    });
}

// z = relu(x + y).
template <class T>
void join_forward(const T* x, long xs, const T* y, long ys, T* z, long zs, long rows, long channels, int threads) {
    blocks(rows, threads, [&](long start, long count) {
        for (long r = start; r < start + count; ++r)
            for (long c = 0; c < channels; c += L) {
                const Lanes n(channels - c);
                const Vec v = load(x + r * xs + c, n) + load(y + r * ys + c, n);
                store(z + r * zs + c, v < Vec{} ? Vec{} : v, n);
            }
    });
}

// dx = dy = g where z > 0; both are written.
template <class T>
void join_backward(const T* z, long zs, const T* g, long gs, T* dx, long dxs, T* dy, long dys, long rows,
                   long channels, int threads) {
    blocks(rows, threads, [&](long start, long count) {
        for (long r = start; r < start + count; ++r)
            for (long c = 0; c < channels; c += L) {
                const Lanes n(channels - c);
                const Vec v = load(z + r * zs + c, n) > Vec{} ? load(g + r * gs + c, n) : Vec{};
                store(dx + r * dxs + c, v, n);
                store(dy + r * dys + c, v, n);
            }
    });
}

}  // namespace

// A step frees its maps and the next one asks for them again: memory that has gone back to the system in between comes
// as empty pages, which cost a tenth of a step at 224 pixels. Up to a GiB at the top is kept; holds for the process.
extern "C" void keep_memory() {
#ifdef __GLIBC__
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_TOP_PAD, 64 << 20);
#endif
}

#define EACH_TYPE(T, NAME)                                                                                             \
    extern "C" void affine_##NAME(const T* x, long xs, T* y, long ys, long rows, long channels, const float* scale,    \
                                  const float* shift, int relu, int threads) {                                         \
        affine<T>(x, xs, y, ys, rows, channels, scale, shift, relu, threads);                                          \
    }                                                                                                                  \
    extern "C" void norm_forward_##NAME(const T* x, long xs, T* y, long ys, long rows, long channels,                  \
                                        const float* gamma, const float* beta, float* mean, float* var,                \
                                        float momentum, float eps, float* saved, int relu, int threads) {              \
        norm_forward<T>(x, xs, y, ys, rows, channels, gamma, beta, mean, var, momentum, eps, saved, relu, threads);    \
    }                                                                                                                  \
    extern "C" void norm_backward_##NAME(const T* x, long xs, const T* g, long gs, T* dx, long ds, long rows,          \
                                         long channels, const float* gamma, const float* beta, const float* saved,     \
                                         float* dgamma, float* dbeta, int relu, int still, int threads) {              \
        norm_backward<T>(x, xs, g, gs, dx, ds, rows, channels, gamma, beta, saved, dgamma, dbeta, relu, still,         \
                         threads);                                                                                     \
    }                                                                                                                  \
    extern "C" void merge_##NAME(const T* x, long xs, T* y, long ys, long rows, long channels, int threads) {          \
        merge<T>(x, xs, y, ys, rows, channels, threads);                                                               \
    }                                                                                                                  \
    extern "C" void join_forward_##NAME(const T* x, long xs, const T* y, long ys, T* z, long zs, long rows,            \
                                        long channels, int threads) {                                                  \
        join_forward<T>(x, xs, y, ys, z, zs, rows, channels, threads);                                                 \
    }                                                                                                                  \
    extern "C" void join_backward_##NAME(const T* z, long zs, const T* g, long gs, T* dx, long dxs, T* dy, long dys,   \
                                         long rows, long channels, int threads) {                                      \
        join_backward<T>(z, zs, g, gs, dx, dxs, dy, dys, rows, channels, threads);                                     \
    }

EACH_TYPE(float, float32)
EACH_TYPE(bfloat, bfloat16)
