"""Serves the page on this machine, only to its own pages, without requests to other hosts."""

import os
import tempfile
import webbrowser
from collections.abc import Callable
from pathlib import Path

from patina.params import Restore
from patina.tasks.io.malloc import few_heaps
from patina.tasks.io.web_guard import Guard

LOOPBACK = "127.0.0.1"
MOST_MB = 4096  # maximum size of an upload
REFUSED = b"Patina answers only requests of its own page, under the name of this machine.\n"
POLICY = (  # the browser requests nothing from other hosts, even if a library names them
    b"default-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; "
    b"style-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    b"worker-src 'self' blob:; connect-src 'self' blob: data:; base-uri 'self'; "
    b"form-action 'self'; frame-ancestors 'none'"
)
# Gradio computes the place of a click from the size of the picture. It ignores that a picture is
# enlarged, and loses a click while the browser loads the picture. So clicks wait for the picture,
# and are moved to where Gradio expects them
CLICKS = """() => document.addEventListener("click", (click) => {
  const image = click.target.closest("#lines .image-frame, #overview .image-frame")
    ?.querySelector("img");
  if (!image || !click.isTrusted) return;
  click.stopPropagation();
  const pass = () => {
    const box = image.getBoundingClientRect();
    const enlarged = Math.max(1, Math.min(box.width / image.naturalWidth,
                                          box.height / image.naturalHeight));
    const moved = (at, middle) => middle + (at - middle) / enlarged;
    image.dispatchEvent(new MouseEvent("click", {
      bubbles: true,
      clientX: moved(click.clientX, box.x + box.width / 2),
      clientY: moved(click.clientY, box.y + box.height / 2),
    }));
  };
  if (image.naturalWidth) pass();
  else image.addEventListener("load", pass, {once: true});
}, true)"""
QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "GRADIO_SHARE": "False",
    "GRADIO_SSR_MODE": "False",
    "GRADIO_MCP_SERVER": "False",
}


def names(host: str, port: int) -> set[str]:
    """The allowed values of the header Host."""
    return {f"{name}:{port}" for name in (LOOPBACK, "localhost", host)}


def serve(host: str, port: int, outbox: str, settings: Restore, say: Callable[[str], None]) -> None:
    """Serve the page at this address until the process is stopped.

    outbox: the default folder for results. say: is called with the address. Raises
    ModuleNotFoundError if Gradio is not installed.
    """
    os.environ.update(QUIET)
    few_heaps()
    with tempfile.TemporaryDirectory(prefix="patina-uploads-") as uploads:
        os.environ["GRADIO_TEMP_DIR"] = uploads
        import fastapi
        import gradio
        import uvicorn

        from patina.app.layout import THEME
        from patina.app.loaded_model import LoadedModel
        from patina.app.page import Page
        from patina.app.words import CSS

        page = Page(LoadedModel(settings), outbox)
        app = gradio.mount_gradio_app(
            fastapi.FastAPI(),
            page.blocks.queue(default_concurrency_limit=1, api_open=False),
            path="/",
            allowed_paths=[str(Path(outbox).resolve())],
            max_file_size=f"{MOST_MB}mb",
            footer_links=[],
            run_history=False,
            ssr_mode=False,
            show_error=True,
            theme=THEME,
            css=CSS,
            js=CLICKS,
        )
        say(f"http://{host}:{port}/")
        guarded = Guard(app, names(host, port), REFUSED, POLICY)
        uvicorn.run(guarded, host=host, port=port, log_level="warning")


def show(address: str) -> None:
    """Open the address in a browser."""
    webbrowser.open(address)
