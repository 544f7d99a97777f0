"""What the compiled kernel does on a CPU: whole networks on jets, products of jets, Adam's update.

Every function here has its like in torch, which is used wherever there is no kernel.
"""

from core.kernel.adam import adam_step
from core.kernel.library import about
from core.kernel.mlp import affine_gradient, available, network
from core.kernel.products import multiplies, product

__all__ = ["about", "adam_step", "affine_gradient", "available", "multiplies", "network", "product"]
