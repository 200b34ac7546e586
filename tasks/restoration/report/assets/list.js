// The list: searched, sorted, its rows made when they come near the window.
const CHUNK = 40;
const SORTS = {
  attention: (a, b) => a.rank - b.rank,
  changed: (a, b) => (b.delta_e || 0) - (a.delta_e || 0) || a.rank - b.rank,
  least: (a, b) => (a.delta_e ?? Infinity) - (b.delta_e ?? Infinity) || a.rank - b.rank,
  name: (a, b) => COLLATOR.compare(a.name, b.name),
  size: (a, b) => (b.width * b.height || 0) - (a.width * a.height || 0) || a.rank - b.rank,
};
const COLLATOR = new Intl.Collator("en", { numeric: true });
let shown = WORKS;

WORKS.forEach((work, index) => {
  work.rank = index;
  work.words = fold([work.name, work.file, work.summary, work.outcome, ...work.flags, work.flags.length ? "flagged" : ""].join("\n"));
});

function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

function choose() {
  const words = fold($("query").value).split(/\s+/).filter(Boolean);
  const kind = $("show").value;
  shown = WORKS.filter((work) => isOf(work, kind) && words.every((word) => work.words.includes(word)));
  shown.sort(SORTS[$("sort").value]);
  draw();
}

function isOf(work, kind) {
  return kind === "all" || (kind === "flagged" ? work.flags.length > 0 : work.outcome === kind);
}

const near = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) fill(entry.target);
}, { rootMargin: "1500px 0px" });

function draw() {
  near.disconnect();
  const chunks = [];
  for (let first = 0; first < shown.length; first += CHUNK) {
    const chunk = element("div", { class: "chunk", role: "presentation" });
    chunk.first = first;
    const rows = Math.min(CHUNK, shown.length - first);
    chunk.style.containIntrinsicSize = `auto ${rows * 140}px`;
    chunk.style.minHeight = `${rows * 140}px`;
    chunks.push(chunk);
  }
  $("works").replaceChildren(...chunks);
  if (chunks.length) fill(chunks[0]);
  chunks.slice(1).forEach((chunk) => near.observe(chunk));
  $("none").hidden = shown.length > 0;
  $("count").textContent = counted(shown.length, "work", "works");
}

function fill(chunk) {
  near.unobserve(chunk);
  if (chunk.firstChild) return;
  chunk.append(...shown.slice(chunk.first, chunk.first + CHUNK).map((work, index) => row(work, chunk.first + index)));
  chunk.style.minHeight = "";
}

function row(work, index) {
  const thumb = picture(work, "thumb.webp");
  const frame = element("div", { class: "frame" }, thumb
    ? element("img", { src: thumb, alt: "", loading: "lazy", decoding: "async" })
    : element("span", { class: "blank" }));
  const name = element("a", { class: "name", href: `#work=${work.id}` }, element("bdi", {}, work.name));
  const words = element("div", {}, name, element("p", {}, summaryOf(work)),
    ...work.flags.map((flag) => element("p", { class: "flag" }, sentence(flag))));
  const measure = element("div", { class: "measure" },
    work.delta_e ? element("b", { title: MEANINGS["Mean ΔE2000"] }, `ΔE ${work.delta_e.toFixed(2)}`) : null,
    element("span", {}, statusOf(work)));
  return element("div", {
    class: work.flags.length ? "row flagged" : "row", role: "listitem",
    "aria-posinset": index + 1, "aria-setsize": shown.length,
  }, frame, words, measure);
}

// Arrow keys go from one name to the next
function step(event) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by || !event.target.matches("a.name")) return;
  event.preventDefault();
  const chunks = [...$("works").children];
  const at = chunks.indexOf(event.target.closest(".chunk"));
  if (chunks[at + by]) fill(chunks[at + by]);
  const names = [...$("works").querySelectorAll("a.name")];
  names[names.indexOf(event.target) + by]?.focus();
}
