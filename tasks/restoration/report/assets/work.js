// One work, as the address after # names it.
let current = null;

function route() {
  const id = new URLSearchParams(location.hash.slice(1)).get("work");
  const work = id && WORKS.find((each) => each.id === id);
  if (work) open(work);
  else close();
}

function open(work) {
  if (!current) open.scroll = scrollY;
  current = work;
  $("index").hidden = $("masthead").hidden = true;
  $("work").hidden = false;
  scrollTo(0, 0);
  document.title = `${work.name} · Restoration report`;
  tell(work);
  goOn(work);
  hang(work);
  $("work-name").focus({ preventScroll: true });
}

function tell(work) {
  $("work-outcome").textContent = statusOf(work);
  $("work-outcome").classList.toggle("flagged", work.flags.length > 0);
  $("work-name").replaceChildren(element("bdi", {}, work.name));
  $("work-summary").textContent = summaryOf(work);
  $("work-flags").replaceChildren(...work.flags.map((flag) => element("li", {}, sentence(flag))));
  fillFigures($("work-figures"), work);
  $("record").hidden = !work.sidecar;
  $("record").open = false;
  $("record").querySelector("pre").textContent = "";
  $("work-statement").textContent = (work.sidecar && work.sidecar.statement) || "";
}

// Previous and next, of those that the list shows
function goOn(work) {
  const at = shown.indexOf(work);
  $("place").textContent = at < 0 ? "" : `${(at + 1).toLocaleString("en-GB")} of ${shown.length.toLocaleString("en-GB")}`;
  for (const [id, other] of [["previous", shown[at - 1]], ["next", at < 0 ? null : shown[at + 1]]]) {
    if (other) $(id).href = `#work=${other.id}`;
    else $(id).removeAttribute("href");
  }
}

function close() {
  const left = current;
  current = null;
  $("work").hidden = true;
  $("index").hidden = $("masthead").hidden = false;
  document.title = `${DATA.place} · Restoration report`;
  if (!left) return;
  scrollTo(0, open.scroll || 0);
  document.querySelector(`a.name[href="#work=${left.id}"]`)?.focus({ preventScroll: true });
}

function unfold() {
  const lines = $("record").querySelector("pre");
  if ($("record").open && current) lines.textContent = JSON.stringify(current.sidecar, null, 2);
}

const KEYS = {
  ArrowLeft: () => moveDivider(view.divider - 0.02),
  ArrowRight: () => moveDivider(view.divider + 0.02),
  PageUp: () => moveDivider(view.divider - 0.1),
  PageDown: () => moveDivider(view.divider + 0.1),
  Home: () => moveDivider(0),
  End: () => moveDivider(1),
  "+": () => zoomTo(view.scale * STEP),
  "=": () => zoomTo(view.scale * STEP),
  "-": () => zoomTo(view.scale / STEP),
  0: () => fitIn(),
  1: () => zoomTo(1 / devicePixelRatio),
  d: () => toggle("damage"),
  c: () => toggle("change"),
  n: () => $("next").click(),
  p: () => $("previous").click(),
};
const MOVES = { ArrowLeft: [80, 0], ArrowRight: [-80, 0], ArrowUp: [0, 80], ArrowDown: [0, -80] }; // with Shift
const OF_DIVIDER = ["PageUp", "PageDown", "Home", "End"];

function press(event) {
  if (!current || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") return $("back").click();
  if (event.target.closest("pre, input, select")) return;
  if (OF_DIVIDER.includes(event.key) && event.target.id !== "divider") return;
  const move = event.shiftKey && MOVES[event.key];
  const act = move ? () => moveBy(...move) : KEYS[event.key] || KEYS[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
}
