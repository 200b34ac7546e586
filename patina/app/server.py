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
SCRIPT = """() => {
document.addEventListener("click", (click) => {
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
}, true);
// Close older messages when the user goes on, so that they cover nothing and are not out of date
const goOn = ({target}) => target.closest?.("button, input, textarea")
  && !target.closest(".toast-wrap")
  && document.querySelectorAll(".toast-close").forEach((button) => button.click());
// The divider between before and after can be moved by keyboard, too
new MutationObserver(() => {
  // Gradio's tooltip is a number, but not the one that the list shows
  document.querySelectorAll("#areas input[title]").forEach((box) => box.removeAttribute("title"));
  const slider = document.querySelector("#slider");
  if (!slider || slider.tabIndex === 0) return;
  slider.tabIndex = 0;
  slider.setAttribute("aria-label", "Before and after: the arrow keys move the divider");
}).observe(document.body, {childList: true, subtree: true});
document.addEventListener("keydown", (event) => {
  const by = {ArrowLeft: -20, ArrowRight: 20}[event.key];
  const divider = document.querySelector("#slider [data-testid=slider]");
  if (!by || !divider || event.target.id !== "slider") return;
  event.preventDefault();
  const box = divider.getBoundingClientRect();
  const x = box.x + box.width / 2;
  const drag = (target, kind, clientX) => target.dispatchEvent(
    new MouseEvent(kind, {bubbles: true, view: window, clientX, clientY: box.y + box.height / 2}));
  drag(divider, "mousedown", x);
  drag(window, "mousemove", x + by);
  drag(window, "mouseup", x + by);
});
for (const kind of ["click", "drop"]) document.addEventListener(kind, goOn, true);
document.addEventListener("keydown", (event) => event.key === "Enter" && goOn(event), true);
}"""
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
            js=SCRIPT,
        )
        say(f"http://{host}:{port}/")
        guarded = Guard(app, names(host, port), REFUSED, POLICY)
        uvicorn.run(guarded, host=host, port=port, log_level="warning")


def show(address: str) -> None:
    """Open the address in a browser."""
    webbrowser.open(address)
