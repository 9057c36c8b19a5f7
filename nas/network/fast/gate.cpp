// Squeeze and excitation on maps in channels-last order: the mean of each channel of an image, and a factor for it.
// An image is `pixels` rows; means, factors and their gradients are dense floats, (images, channels).

#include "vectors.h"

namespace {

// Calls body(image, first channel, lanes) for L channels of an image at a time.
template <class Body>
void images_by_channels(long images, long channels, int threads, const Body& body) {
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1 && images > 1)
    for (long image = 0; image < images; ++image)
        for (long c = 0; c < channels; c += L) body(image, c, Lanes(channels - c));
}

template <class T>
void mean_forward(const T* x, long xs, float* mean, long images, long pixels, long channels, int threads) {
    images_by_channels(images, channels, threads, [&](long image, long c, Lanes n) {
        const T* p = x + image * pixels * xs + c;
        Vec even{}, odd{};  // Two at a time, for additions wait for one another.
        long r = 0;
        for (; r + 1 < pixels; r += 2, p += 2 * xs) even += load(p, n), odd += load(p + xs, n);
        if (r < pixels) even += load(p, n);
        store(mean + image * channels + c, (even + odd) / fill(static_cast<float>(pixels)), n);
    });
}

// dx = g / pixels, or dx += that.
template <class T>
void mean_backward(const float* g, T* dx, long ds, long images, long pixels, long channels, int add, int threads) {
    images_by_channels(images, channels, threads, [&](long image, long c, Lanes n) {
        const Vec each = load(g + image * channels + c, n) / fill(static_cast<float>(pixels));
        T* d = dx + image * pixels * ds + c;
        for (long r = 0; r < pixels; ++r, d += ds) store(d, add ? load(d, n) + each : each, n);
    });
}

// y = x * factor
template <class T>
void gate_forward(const T* x, long xs, T* y, long ys, const float* factor, long images, long pixels, long channels,
                  int threads) {
    images_by_channels(images, channels, threads, [&](long image, long c, Lanes n) {
        const Vec by = load(factor + image * channels + c, n);
        const T* p = x + image * pixels * xs + c;
        T* q = y + image * pixels * ys + c;
        for (long r = 0; r < pixels; ++r, p += xs, q += ys) store(q, load(p, n) * by, n);
    });
}

// dx = g * factor; dfactor = sum of g * x over pixels
template <class T>
void gate_backward(const T* x, long xs, const T* g, long gs, T* dx, long ds, const float* factor, float* dfactor,
                   long images, long pixels, long channels, int threads) {
    images_by_channels(images, channels, threads, [&](long image, long c, Lanes n) {
        const Vec by = load(factor + image * channels + c, n);
        const T *p = x + image * pixels * xs + c, *q = g + image * pixels * gs + c;
        T* d = dx + image * pixels * ds + c;
        Vec sum{};
        for (long r = 0; r < pixels; ++r, p += xs, q += gs, d += ds) {
            const Vec back = load(q, n);
            store(d, back * by, n);
            sum += back * load(p, n);
        }
        store(dfactor + image * channels + c, sum, n);
    });
}

}  // namespace

#define EACH_TYPE(T, NAME)                                                                                            \
    extern "C" void mean_forward_##NAME(const T* x, long xs, float* mean, long images, long pixels, long channels,    \
                                        int threads) {                                                                \
        mean_forward<T>(x, xs, mean, images, pixels, channels, threads);                                              \
    }                                                                                                                 \
    extern "C" void mean_backward_##NAME(const float* g, T* dx, long ds, long images, long pixels, long channels,     \
                                         int add, int threads) {                                                      \
        mean_backward<T>(g, dx, ds, images, pixels, channels, add, threads);                                          \
    }                                                                                                                 \
    extern "C" void gate_forward_##NAME(const T* x, long xs, T* y, long ys, const float* factor, long images,         \
                                        long pixels, long channels, int threads) {                                    \
        gate_forward<T>(x, xs, y, ys, factor, images, pixels, channels, threads);                                     \
    }                                                                                                                 \
    extern "C" void gate_backward_##NAME(const T* x, long xs, const T* g, long gs, T* dx, long ds,                    \
                                         const float* factor, float* dfactor, long images, long pixels,               \
                                         long channels, int threads) {                                                \
        gate_backward<T>(x, xs, g, gs, dx, ds, factor, dfactor, images, pixels, channels, threads);                   \
    }

EACH_TYPE(float, float32)
EACH_TYPE(bfloat, bfloat16)
