/* tanh, sine and cosine in straight code, which compilers turn into vectors. */

#pragma once

#include <math.h>
#include <string.h>

#include "real.h"

INLINE real tanh_of(real x) {
    real y = -2 * (x < 0 ? -x : x);
    y = y < -80 ? -80 : y;
    real shifted = y * (real)1.44269504088896340736 + TO_INTEGER, n = shifted - TO_INTEGER;
    real r = (y - n * LN2_HIGH) - n * LN2_LOW, p = (real)(1 / 6227020800.), two_n;
    const double inverse_factorials[] = {1 / 479001600., 1 / 39916800., 1 / 3628800., 1 / 362880., 1 / 40320.,
                                         1 / 5040., 1 / 720., 1 / 120., 1 / 24., 1 / 6., 0.5};
    for (int k = 0; k < 11; k++) p = p * r + (real)inverse_factorials[k];
    p = r + r * r * p; /* exp(r) − 1 */
    bits exponent;
    memcpy(&exponent, &shifted, sizeof exponent);
    exponent = (bits)((sizeof(bits) == 8 ? (uint64_t)exponent + BIAS : (uint32_t)exponent + BIAS) << MANTISSA);
    memcpy(&two_n, &exponent, sizeof two_n);
    real e = two_n * p + (two_n - 1); /* exp(−2|x|) − 1, to full relative accuracy near zero */
    real t = -e / (2 + e);
    return x < 0 ? -t : t;
}

INLINE void sine_of(real x, real *sine, real *cosine) {
    real shifted = x * (real)0.63661977236758134308 + TO_INTEGER, n = shifted - TO_INTEGER;
    real r = ((x - n * HALF_PI_1) - n * HALF_PI_2) - n * HALF_PI_3, q = r * r;
    const double odd[] = {-1 / 1307674368000., 1 / 6227020800., -1 / 39916800., 1 / 362880.,
                          -1 / 5040.,          1 / 120.,        -1 / 6.};
    const double even[] = {-1 / 87178291200., 1 / 479001600., -1 / 3628800., 1 / 40320., -1 / 720., 1 / 24., -0.5};
    real s = (real)(1 / 355687428096000.), c = (real)(1 / 20922789888000.);
    for (int k = 0; k < 7; k++) {
        s = s * q + (real)odd[k];
        c = c * q + (real)even[k];
    }
    s = r + r * (q * s);
    c = 1 + q * c;
    bits quadrant;
    memcpy(&quadrant, &shifted, sizeof quadrant);
    real from_s = quadrant & 1 ? c : s, from_c = quadrant & 1 ? s : c;
    *sine = quadrant & 2 ? -from_s : from_s;
    *cosine = (quadrant + 1) & 2 ? -from_c : from_c;
}

static void sines(const real *z, real *sine, real *cosine) {
    real largest = 0;
    for (int s = 0; s < S; s++) largest = fabs(z[s]) > largest ? fabs(z[s]) : largest;
    if (largest < MOST_REDUCED)
        for (int s = 0; s < S; s++) sine_of(z[s], sine + s, cosine + s);
    else
        for (int s = 0; s < S; s++) sine[s] = sin(z[s]), cosine[s] = cos(z[s]);
}
