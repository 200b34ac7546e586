"""The model of the page: its networks are loaded once, and applied as each request asks."""

from dataclasses import replace

from patina.app.network_cache import with_cache
from patina.params import Restore
from patina.tasks.io.malloc import free_memory
from patina.tasks.restoration.batch import chosen_model, load_restorer
from patina.tasks.restoration.gates import Gates
from patina.tasks.restoration.request import RestoreRequest, loading_of
from patina.tasks.restoration.restorer import Restorer


class LoadedModel:
    """The networks, loaded once for all works, and the settings of params.yaml."""

    def __init__(self, settings: Restore) -> None:
        self.settings = settings
        self.file = chosen_model(None)
        self._load()

    def _load(self) -> None:
        self.restorer = load_restorer(self.file, **self.settings.loading)
        self._cached_networks = with_cache(self.restorer.networks)

    def reload(self) -> None:
        """Free the memory of previews before a whole work is restored.

        The networks are loaded again, which takes less than a second, because each keeps memory for
        the largest input that it has had.
        """
        del self.restorer, self._cached_networks
        free_memory()
        self._load()

    def applying(self, request: RestoreRequest, *, preview: bool = False) -> Restorer:
        """The restorer for a request. preview: with a cache of the networks' outputs."""
        asked = loading_of(request, self.settings)
        restorer = replace(
            self.restorer,
            gates=Gates(**asked["gates"]),
            treat=tuple(asked["treat"]),
            forced=asked["forced"],
            strength=asked["strength"],
        )
        return replace(restorer, networks=self._cached_networks) if preview else restorer
