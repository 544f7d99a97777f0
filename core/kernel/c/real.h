/* Numbers: float64, or float32 with -DSINGLE; vectors of them; and how many samples a block has. */

#pragma once

#include <stdint.h>

#ifdef SINGLE
typedef float real;
typedef int32_t bits;
#define MANTISSA 23
#define BIAS 127
#define LN2_HIGH 0.693359375f /* Cody and Waite: the high parts have trailing zeros, so that n·HIGH is exact */
#define LN2_LOW -2.12194440e-4f
#define HALF_PI_1 1.5703125f
#define HALF_PI_2 4.837512969970703125e-4f
#define HALF_PI_3 7.549789948768648e-8f
#define MOST_REDUCED 8192
#else
typedef double real;
typedef int64_t bits;
#define MANTISSA 52
#define BIAS 1023
#define LN2_HIGH 6.93147180369123816490e-01
#define LN2_LOW 1.90821492927058770002e-10
#define HALF_PI_1 1.57079632673412561417e+00
#define HALF_PI_2 6.07710050630396597660e-11
#define HALF_PI_3 2.02226624879595063154e-21
#define MOST_REDUCED 100000
#endif
#define TO_INTEGER ((real)3 * ((bits)1 << (MANTISSA - 1))) /* added, it leaves an integer in the lowest bits */

#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif
typedef real vec __attribute__((vector_size(BYTES)));
enum { LANES = BYTES / sizeof(real), TILE = 3 * LANES, S = 2 * TILE };
#define INLINE static inline __attribute__((always_inline))
#if defined(__x86_64__) && defined(__GNUC__)
#define IN_REGISTER(v) __asm__("" : "+x"(v)) /* else gcc reads it from memory again for every product */
#else
#define IN_REGISTER(v) (void)(v)
#endif
