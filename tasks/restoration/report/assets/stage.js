// The pictures of one work: a divider between before and after, zoom, overlays.
const view = { width: 1, height: 1, scale: 1, fit: 1, x: 0, y: 0, divider: 0.5, full: null };
const MOST_ZOOM = 8; // of a picture's own pixels
const STEP = 1.25;

function hang(work) {
  const before = picture(work, "before.jpg");
  const after = picture(work, "after.jpg");
  [view.width, view.height] = work.size && work.size.length === 2 ? work.size : [work.width || 1, work.height || 1];
  view.share = work.width ? view.width / work.width : 1; // the largest picture's size, of the scan's
  view.full = ["before", "after"].filter((side) => picture(work, `${side}-full.jpg`)).map((side) => [$(side), picture(work, `${side}-full.jpg`)]);
  view.display = view.full.length ? 1600 / Math.max(view.width, view.height) : 1;
  view.divider = 0.5;
  put($("before"), before, `${work.name}, before`);
  put($("after"), after, `${work.name}, after`);
  put($("damage"), picture(work, "damage.webp"), "Damage map");
  put($("change"), picture(work, "change.webp"), "Change");
  for (const name of ["damage", "change"]) {
    $(`show-${name}`).disabled = !$(name).hasAttribute("src");
    overlay(name, false);
  }
  $("stage").classList.toggle("single", !after);
  $("missing").hidden = Boolean(before);
  $("missing").textContent = before ? "" : missingOf(work);
  $("layers").hidden = !before;
  fitIn();
}

function missingOf(work) {
  return work.outcome === "set aside"
    ? "This file was set aside, so there is no picture of it."
    : "There are no pictures of this work: they are drawn while a work is restored, unless --no-report is given.";
}

function put(image, source, words) {
  if (source) {
    image.src = source;
    image.alt = words;
  } else {
    image.removeAttribute("src");
    image.alt = "";
  }
  image.hidden = !source;
}

function overlay(name, on) {
  const there = $(name).hasAttribute("src");
  $(name).hidden = !(on && there);
  $(`show-${name}`).setAttribute("aria-pressed", String(on && there));
  note();
}

function note() {
  const notes = [];
  if (!$("damage").hidden) notes.push("Pink: filled. Turquoise: found, not filled, or a possible stain.");
  if (!$("change").hidden) notes.push("Orange: lighter. Blue: darker. Stronger colours: larger changes.");
  if (view.share < 1 && view.scale > view.fit) notes.push(`Shown from a picture at ${Math.round(view.share * 100)}% of the scan's size.`);
  $("note").textContent = notes.join(" ");
}

function toggle(name) {
  overlay(name, $(name).hidden);
}

function fitIn() {
  const { clientWidth, clientHeight } = $("stage");
  view.fit = Math.min(clientWidth / view.width, clientHeight / view.height, 2);
  view.scale = view.fit;
  view.x = (clientWidth - view.width * view.fit) / 2;
  view.y = (clientHeight - view.height * view.fit) / 2;
  place();
}

// Zoom to a scale, with what is under (x, y) of the stage staying there
function zoomTo(scale, x = $("stage").clientWidth / 2, y = $("stage").clientHeight / 2) {
  const next = Math.min(Math.max(scale, view.fit), Math.max(MOST_ZOOM, view.fit));
  if (next <= view.fit) return fitIn();
  view.x = x - ((x - view.x) * next) / view.scale;
  view.y = y - ((y - view.y) * next) / view.scale;
  view.scale = next;
  place();
}

// Move a zoomed picture
function moveBy(x, y) {
  view.x += x;
  view.y += y;
  place();
}

function place() {
  const stage = $("stage");
  const { clientWidth, clientHeight } = stage;
  const drawn = [view.width * view.scale, view.height * view.scale];
  view.x = kept(view.x, drawn[0], clientWidth);
  view.y = kept(view.y, drawn[1], clientHeight);
  const layers = $("layers").style;
  layers.width = `${view.width}px`;
  layers.height = `${view.height}px`;
  layers.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
  const density = view.scale * devicePixelRatio;
  stage.classList.toggle("zoomed", view.scale > view.fit * 1.001);
  stage.classList.toggle("sharp", density >= 2);
  $("zoom").textContent = `${Math.round(view.scale * view.share * 100)}%`;
  if (density > view.display * 1.05) sharpen();
  divide();
  note();
}

// A picture wider than the stage leaves no gap in it; a narrower one stays in the middle
function kept(offset, drawn, room) {
  return drawn <= room ? (room - drawn) / 2 : Math.min(0, Math.max(room - drawn, offset));
}

// Take the large pictures, once they are decoded, in place of the small ones
function sharpen() {
  const wanted = view.full;
  view.full = [];
  for (const [image, source] of wanted) {
    const small = image.src;
    const large = new Image();
    large.src = source;
    large.decode().then(() => { if (image.src === small) image.src = source; }, () => {});
  }
}

// Show what is left of the divider from before, what is right of it from after
function divide() {
  const stage = $("stage");
  const left = Math.max(0, view.x);
  const right = Math.min(stage.clientWidth, view.x + view.width * view.scale);
  const x = left + (right - left) * view.divider;
  $("divider").style.left = `${x}px`;
  const hidden = Math.max(0, (x - view.x) / view.scale);
  $("after").style.clipPath = `inset(0 0 0 ${hidden}px)`;
  const value = Math.round(view.divider * 100);
  $("divider").setAttribute("aria-valuenow", value);
  $("divider").setAttribute("aria-valuetext", `${value}% before, ${100 - value}% after`);
}

function moveDivider(share) {
  view.divider = Math.min(1, Math.max(0, share));
  divide();
}

function dividerAt(clientX) {
  const box = $("stage").getBoundingClientRect();
  const left = Math.max(0, view.x);
  const right = Math.min(box.width, view.x + view.width * view.scale);
  moveDivider((clientX - box.left - left) / (right - left || 1));
}

function handleStage() {
  const stage = $("stage");
  let drag = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const zoomed = stage.classList.contains("zoomed");
    drag = event.target.id === "divider" || !zoomed ? { divider: true } : { x: event.clientX - view.x, y: event.clientY - view.y };
    stage.setPointerCapture(event.pointerId);
    if (drag.divider) dividerAt(event.clientX);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!drag) return;
    if (drag.divider) return dividerAt(event.clientX);
    [view.x, view.y] = [event.clientX - drag.x, event.clientY - drag.y];
    place();
  });
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => { drag = null; });
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = stage.getBoundingClientRect();
    zoomTo(view.scale * Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  stage.addEventListener("dblclick", (event) => {
    const box = stage.getBoundingClientRect();
    if (stage.classList.contains("zoomed")) fitIn();
    else zoomTo(1 / devicePixelRatio, event.clientX - box.left, event.clientY - box.top);
  });
  new ResizeObserver(() => (stage.classList.contains("zoomed") ? place() : fitIn())).observe(stage);
}
