"""Prefect's server on loopback, which accepts only pages and programs of this machine.

Prefect checks neither Host nor Origin: any page in a browser on this machine could start runs (a
POST needs no CORS preflight) and, with a name that resolves to 127.0.0.1, read the responses. This
module checks both before Prefect gets a request, also for WebSockets. `python -m
patina.flows.guarded_server PORT`.
"""

import sys

from patina.tasks.io.web_guard import Guard

LOOPBACK = "127.0.0.1"
KEEP_ALIVE_S = 5
REFUSED = b"Patina's Prefect server answers only pages and programs of this machine.\n"
POLICY = b"frame-ancestors 'none'"


def names(port: int) -> tuple[str, str]:
    """The valid values of Host for a server on loopback."""
    return f"{LOOPBACK}:{port}", f"localhost:{port}"


def origins(port: int) -> tuple[str, ...]:
    """The valid values of Origin: those of the server's own pages."""
    return tuple(f"http://{name}" for name in names(port))


def main() -> None:
    """Serve on the given port until stopped."""
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
