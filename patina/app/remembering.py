"""Networks that give again what they gave: with every switch, a page asks the same."""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b
from threading import Lock

import numpy as np

from patina.tasks.restoration.tiling import Network

MOST_BYTES = 200 << 20


def remembering(networks: Mapping[str, Network]) -> dict[str, Network]:
    """The networks, which share a memory of their outputs of MOST_BYTES."""
    kept: OrderedDict[bytes, np.ndarray] = OrderedDict()
    turn = Lock()

    def wrapped(role: str) -> Network:
        def network(given: np.ndarray) -> np.ndarray:
            digest = blake2b(given.tobytes(), person=role.encode()[:16]).digest()
            key = digest + repr(given.shape).encode()
            with turn:
                if key in kept:
                    kept.move_to_end(key)
                    return kept[key]
            output = networks[role](given)
            with turn:
                kept[key] = output
                while sum(each.nbytes for each in kept.values()) > MOST_BYTES:
                    kept.popitem(last=False)
            return output

        return network

    return {role: wrapped(role) for role in networks}
