"""How much memory tensors take at their peak, seen from outside: whatever a problem computes is counted."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Meter(TorchDispatchMode):
    """A context that counts the bytes of all tensors made in it, while they live, forward and backward."""

    def __init__(self):
        super().__init__()
        self.live = 0
        self.peak = 0
        self._seen: dict[int, weakref.ref] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else torch imports its compiler, for seconds; nothing is compiled in here

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        """Let an operation do what it does, and count what it made."""
        result = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._count(leaf)
        return result

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._seen:
            self._seen[key] = weakref.ref(storage, self._forgotten(key, size))
            self.live += size
            self.peak = max(self.peak, self.live)

    def _forgotten(self, key: int, size: int) -> Callable[[weakref.ref], None]:
        def forget(reference: weakref.ref) -> None:
            del self._seen[key]
            self.live -= size

        return forget


def peak_bytes(work: Callable[[], object]) -> int:
    """Most bytes of tensors at one moment while `work` is done, what it returns included."""
    with Meter() as meter:
        kept = work()
    del kept
    return meter.peak
