"""Prefect's server on loopback, which answers none but this machine's own pages and programs.

Prefect checks neither Host nor Origin: any page in a browser on this machine could start runs (a
POST needs no CORS preflight) and, by a name that resolves to 127.0.0.1, read the answers. Here
both are checked before Prefect sees a request, those for WebSockets included.
`python -m patina.flows.guarded_server PORT`.
"""

import sys

from patina.tasks.io.guard import Guard

LOOPBACK = "127.0.0.1"
KEEP_ALIVE_S = 5
REFUSED = b"Patina's Prefect server answers only pages and programs of this machine.\n"
POLICY = b"frame-ancestors 'none'"


def names(port: int) -> tuple[str, str]:
    """What a server on loopback may be called in Host."""
    return f"{LOOPBACK}:{port}", f"localhost:{port}"


def origins(port: int) -> tuple[str, ...]:
    """The origins of pages that it may answer: its own."""
    return tuple(f"http://{name}" for name in names(port))


def main() -> None:
    """Serve on the port that is named, until ended."""
    import uvicorn
    from prefect.server.api.server import create_app

    port = int(sys.argv[1])
    uvicorn.run(
        Guard(create_app(final=True), names(port), REFUSED, POLICY),
        host=LOOPBACK,
        port=port,
        timeout_keep_alive=KEEP_ALIVE_S,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
