"""Controls a real Chromium through its DevTools protocol."""

import base64
import itertools
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--remote-debugging-port=0", "--remote-allow-origins=*", "--window-size=1400,1000"),
)
PATIENCE_S = 60
LOOK_MS = 60  # between two checks of a page, which may have to be laid out for each


class Page:
    """A tab. console: its error messages. requested: the addresses that it requested."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.numbers = socket, itertools.count(1)
        self.console: list[str] = []
        self.requested: list[str] = []
        self.events: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol; return the result. Raises RuntimeError if it fails."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv(timeout=PATIENCE_S))
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        method, params = message.get("method", ""), message.get("params", {})
        self.events.append(method)
        if method == "Network.requestWillBeSent":
            self.requested.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.console.append(json.dumps(params["exceptionDetails"]))
        elif method == "Log.entryAdded":
            self.console.append(params["entry"]["text"])

    def open(self, path: Path, fragment: str = "") -> float:
        """Open a file from disk; return the milliseconds until it was loaded and its scripts
        had run.
        """
        self._go("about:blank")  # so that another fragment of the same page loads it again
        self._go(f"{path.resolve().as_uri()}{fragment}")
        loaded = "performance.getEntriesByType('navigation')[0].loadEventEnd"
        self.until(f"{loaded} > 0")
        return float(self.run(loaded))

    def visit(self, url: str) -> None:
        """Open a page of a server."""
        self._go(url)

    def _go(self, url: str) -> None:
        self.events.clear()
        self.ask("Page.navigate", url=url)
        while "Page.loadEventFired" not in self.events:
            self._note(json.loads(self.socket.recv(timeout=PATIENCE_S)))

    def run(self, script: str) -> Any:
        """Evaluate JavaScript, which may be a promise; return its value."""
        done = self.ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in done:
            raise RuntimeError(json.dumps(done["exceptionDetails"]))
        return done["result"].get("value")

    def until(self, script: str) -> None:
        """Wait until the JavaScript expression is true."""
        self.run(
            "new Promise((resolve, reject) => { const end = performance.now() + 60000;"
            f"const look = () => ({script}) ? resolve() : performance.now() > end"
            f" ? reject(new Error({json.dumps(script)})) : setTimeout(look, {LOOK_MS}); look(); }})"
        )

    def press(self, key: str, code: str = "") -> None:
        """Press and release a key."""
        text = {"text": key} if len(key) == 1 else {}
        if key == "Enter":
            text = {"text": "\r"}
        codes = {"Enter": 13, "Tab": 9, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39}
        number = {"windowsVirtualKeyCode": codes.get(key, 0)}
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, code=code, **text, **number)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, code=code, **number)

    def type(self, words: str) -> None:
        """Type text into the focused element."""
        self.ask("Input.insertText", text=words)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press the mouse at `start` and release it at `end`, in pixels of the window."""
        at = {"button": "left", "clickCount": 1}
        self.ask("Input.dispatchMouseEvent", type="mousePressed", x=start[0], y=start[1], **at)
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=end[0], y=end[1], buttons=1, **at)
        self.ask("Input.dispatchMouseEvent", type="mouseReleased", x=end[0], y=end[1], **at)

    def draw(self, start: tuple[float, float], end: tuple[float, float], steps: int = 12) -> None:
        """As `drag`, with points in between, like a hand that draws."""
        self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=start[0], y=start[1])
        at = {"button": "left", "clickCount": 1}
        self.ask("Input.dispatchMouseEvent", type="mousePressed", x=start[0], y=start[1], **at)
        for step in range(1, steps + 1):
            x, y = (a + (b - a) * step / steps for a, b in zip(start, end, strict=True))
            self.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, buttons=1, **at)
            self.run("new Promise((done) => requestAnimationFrame(done))")
        self.ask("Input.dispatchMouseEvent", type="mouseReleased", x=end[0], y=end[1], **at)

    def give_file(self, selector: str, file: Path) -> None:
        """Choose a file for the input element `selector`, as if it were dropped there."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        node = self.ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.ask("DOM.setFileInputFiles", nodeId=node, files=[str(file.resolve())])

    def click(self, selector: str) -> None:
        """Click in the middle of the element `selector`."""
        x, y = self.middle(selector)
        self.drag((x, y), (x, y))

    def middle(self, selector: str) -> tuple[float, float]:
        """The middle of the element `selector`, in pixels of the window."""
        box = self.run(
            f"(() => {{ const b = document.querySelector({json.dumps(selector)})"
            ".getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        return box[0], box[1]

    def dark(self, dark: bool = True) -> None:
        """Emulate a system that prefers dark, or light, pages."""
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[feature])

    def size(self, width: int, height: int, scale: float = 1) -> None:
        """Set the size of the window, in CSS pixels."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=False,
        )

    def photograph(self, target: Path) -> None:
        """Write a screenshot of the window as PNG."""
        shot = self.ask("Page.captureScreenshot", format="png")
        target.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self) -> bytes:
        """The printed page as PDF."""
        printed = self.ask("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(printed["data"])


@contextmanager
def chromium(browser: str = CHROMIUM) -> Iterator[Page]:
    """Run a browser with one empty tab during the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [browser, *OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        running = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        try:
            with connect(_tab(running), max_size=None, ping_interval=None) as socket:
                yield Page(socket)
        finally:
            running.terminate()
            running.communicate()


def _tab(running: subprocess.Popen) -> str:
    """The DevTools address of the first tab."""
    import urllib.request

    assert running.stderr
    line = next(line for line in running.stderr if "DevTools listening" in line)
    found = re.search(r"ws://([^/]+)/", line)
    assert found
    with urllib.request.urlopen(f"http://{found[1]}/json/list", timeout=PATIENCE_S) as answer:
        tabs = json.load(answer)
    return next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
