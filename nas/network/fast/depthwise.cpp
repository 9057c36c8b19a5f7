// The weights' gradient of depthwise convolutions of 5x5 and 7x7, stride 1, padded to "same", on maps in channels-last order.
// torch's own took twelve to thirty times as long as the convolution itself (benchmarks/README.md).

#include <vector>

#include "vectors.h"

namespace {

// L channels of one image as floats, with `border` zeros on every side: (height + 2 border, width + 2 border, L).
template <class T>
void unpack(const T* x, long xs, long height, long width, long border, Lanes n, float* to) {
    const Lanes all(L);
    const long line = width + 2 * border;
    for (long y = 0; y < height; ++y) {
        float* row = to + ((y + border) * line + border) * L;
        for (long column = 0; column < width; ++column) store(row + column * L, load(x + (y * width + column) * xs, n), all);
    }
}

// sum[i][j] += g(y, x) * image(y + i - K / 2, x + j - K / 2), over all pixels of one image.
template <int K>
void correlate(const float* x, const float* g, long height, long width, Vec* sum) {
    const Lanes all(L);
    const long line = width + K - 1;
    for (long y = 0; y < height; ++y)
        for (int i = 0; i < K; ++i) {
            if (y + i < K / 2 || y + i >= height + K / 2) continue;  // A line of padding.
            const float *p = x + (y + i) * line * L, *q = g + y * width * L;
            Vec part[K] = {};
            for (long column = 0; column < width; ++column, p += L, q += L) {
                const Vec back = load(q, all);
                for (int j = 0; j < K; ++j) part[j] += back * load(p + j * L, all);
            }
            for (int j = 0; j < K; ++j) sum[i * K + j] += part[j];
        }
}

template <class T, int K>
void weights_gradient(const T* x, long xs, const T* g, long gs, float* dw, long images, long height, long width,
                      long channels, int threads) {
    const long groups = (channels + L - 1) / L, padded = (height + K - 1) * (width + K - 1);
    std::vector<double> partial(static_cast<size_t>(threads) * groups * L * K * K, 0.0);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        // The border of `image` stays zero.
        std::vector<float> image(padded * L, 0.0f), gradient(height * width * L);
        double* mine = partial.data() + static_cast<size_t>(here()) * groups * L * K * K;
#pragma omp for schedule(static)
        for (long at = 0; at < images * groups; ++at) {
            const long first = at / groups * height * width, c = at % groups * L;
            const Lanes n(channels - c);
            unpack(x + first * xs + c, xs, height, width, K / 2, n, image.data());
            unpack(g + first * gs + c, gs, height, width, 0, n, gradient.data());
            Vec sum[K * K] = {};
            correlate<K>(image.data(), gradient.data(), height, width, sum);
            for (int k = 0; k < K * K; ++k)
                for (int i = 0; i < L; ++i) mine[(c + i) * K * K + k] += sum[k][i];
        }
    }
    for (long k = 0; k < channels * K * K; ++k) {
        double total = 0.0;
        for (int t = 0; t < threads; ++t) total += partial[static_cast<size_t>(t) * groups * L * K * K + k];
        dw[k] = static_cast<float>(total);
    }
}

}  // namespace

#define EACH_TYPE(T, NAME)                                                                                            \
    extern "C" void depthwise_weights_##NAME(const T* x, long xs, const T* g, long gs, float* dw, long images,        \
                                             long height, long width, long channels, int kernel, int threads) {       \
        (kernel == 5 ? weights_gradient<T, 5> : weights_gradient<T, 7>)(x, xs, g, gs, dw, images, height, width,      \
                                                                        channels, threads);                           \
    }

EACH_TYPE(float, float32)
EACH_TYPE(bfloat, bfloat16)
