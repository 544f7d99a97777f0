/* Adam's update; what core.kernel.adam calls. */

#pragma once

#include <math.h>

#include "real.h"

/* Adam (Kingma and Ba, algorithm 1) on parameters that lie apart; mean and square are one vector each. */
void adam_step(long tensors, const long *sizes, real *const *parameters, real *const *gradients, real *restrict mean,
               real *restrict square, double rate, double first, double second, double unbiased, double epsilon) {
    for (long t = 0; t < tensors; mean += sizes[t], square += sizes[t], t++) {
        real *restrict p = parameters[t];
        const real *restrict g = gradients[t], a = 1 - first, b = second, c = 1 - second;
        for (long i = 0; i < sizes[t]; i++) {
            mean[i] += a * (g[i] - mean[i]);
            square[i] = b * square[i] + c * g[i] * g[i];
            p[i] -= (real)rate * mean[i] / ((real)sqrt(square[i]) / (real)unbiased + (real)epsilon);
        }
    }
}
