/* Jets of a fully connected network and their gradients, in blocks of samples that stay in the processor's cache.

   A block has S samples; a jet of `width` units in it is an array [width][C][S]. Every block belongs to a part, parts
   are cut by the number of samples alone and their gradients are added in their order: which thread computes a part,
   and how many threads there are, makes no difference to a single bit. Compiled by core.kernel.compiling as this one
   unit, so that everything small is inlined; with -DSINGLE for float32. Functions that are not static are called from
   Python, as core.kernel.library declares them. */

#include "adam.h"
#include "jet_product.h"
#include "network.h"
