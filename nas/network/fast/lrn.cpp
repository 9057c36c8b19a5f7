// Local response normalisation on maps in channels-last order: y = x / d^(3/4), where d is k plus alpha times the sum of
// the squares of five neighbouring channels of the pixel (fewer at the ends).

#include <vector>

#include "vectors.h"

namespace {

constexpr long REACH = 2;  // Neighbours on either side.
const Lanes ALL(L);

// A pixel's channels as floats, with zeros on either side.
struct Line {
    std::vector<float> values;
    explicit Line(long channels) : values(channels + 2 * (REACH + L), 0.0f) {}
    void set(long c, Vec v) { store(values.data() + REACH + c, v, ALL); }
    Vec at(long c) const { return load(values.data() + REACH + c, ALL); }
    Vec around(long c) const {
        const float* p = values.data() + c;
        Vec sum = load(p, ALL);
        for (long i = 1; i <= 2 * REACH; ++i) sum += load(p + i, ALL);
        return sum;
    }
};

// Calls body(pixel, three lines of its own thread) for every pixel.
template <class Body>
void pixels(long rows, long channels, int threads, const Body& body) {
#pragma omp parallel num_threads(threads) if (threads > 1 && rows > 1)
    {
        Line a(channels), b(channels), c(channels);
#pragma omp for schedule(static)
        for (long r = 0; r < rows; ++r) body(r, a, b, c);
    }
}

template <class T>
void square(const T* x, long channels, Line& squares) {
    for (long c = 0; c < channels; c += L) {
        const Vec v = load(x + c, Lanes(channels - c));
        squares.set(c, v * v);
    }
}

inline Vec power(Vec d) {
    const Vec r = root(d);
    return r * root(r);
}

template <class T>
void lrn_forward(const T* x, long xs, T* y, long ys, long rows, long channels, float alpha, float k, int threads) {
    pixels(rows, channels, threads, [&](long r, Line& squares, Line&, Line&) {
        const T* p = x + r * xs;
        square(p, channels, squares);
        for (long c = 0; c < channels; c += L) {
            const Lanes n(channels - c);
            store(y + r * ys + c, load(p + c, n) / power(fill(k) + fill(alpha) * squares.around(c)), n);
        }
    });
}

// dx = g / d^(3/4) - 3/2 * alpha * x * (sum over neighbours of g * x / d^(7/4))
template <class T>
void lrn_backward(const T* x, long xs, const T* g, long gs, T* dx, long ds, long rows, long channels, float alpha,
                  float k, int threads) {
    pixels(rows, channels, threads, [&](long r, Line& squares, Line& direct, Line& shared) {
        const T *p = x + r * xs, *q = g + r * gs;
        square(p, channels, squares);
        for (long c = 0; c < channels; c += L) {
            const Lanes n(channels - c);
            const Vec d = fill(k) + fill(alpha) * squares.around(c);
            const Vec own = load(q + c, n) / power(d);
            direct.set(c, own);
            shared.set(c, own * load(p + c, n) / d);
        }
        for (long c = 0; c < channels; c += L) {
            const Lanes n(channels - c);
            const Vec back = fill(1.5f * alpha) * load(p + c, n) * shared.around(c);
            store(dx + r * ds + c, direct.at(c) - back, n);
        }
    });
}

}  // namespace

#define EACH_TYPE(T, NAME)                                                                                            \
    extern "C" void lrn_forward_##NAME(const T* x, long xs, T* y, long ys, long rows, long channels, float alpha,     \
                                       float k, int threads) {                                                        \
        lrn_forward<T>(x, xs, y, ys, rows, channels, alpha, k, threads);                                              \
    }                                                                                                                 \
    extern "C" void lrn_backward_##NAME(const T* x, long xs, const T* g, long gs, T* dx, long ds, long rows,          \
                                        long channels, float alpha, float k, int threads) {                           \
        lrn_backward<T>(x, xs, g, gs, dx, ds, rows, channels, alpha, k, threads);                                     \
    }

EACH_TYPE(float, float32)
EACH_TYPE(bfloat, bfloat16)
