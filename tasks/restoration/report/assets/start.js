// The head of the page, and what listens.
const THEMES = { "": "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };

function head() {
  const number = (kind) => WORKS.filter((work) => isOf(work, kind)).length;
  const kinds = [["restored", "restored"], ["untouched", "left untouched"], ["set aside", "set aside"]];
  const told = kinds.map(([kind, words]) => [number(kind), words]).filter(([count]) => count).map(([count, words]) => `${count.toLocaleString("en-GB")} ${words}`);
  const flagged = number("flagged");
  $("imprint").replaceChildren(element("bdi", {}, DATA.place), ` · ${day(DATA.made)} · Patina ${DATA.version}`);
  $("sums").textContent = WORKS.length
    ? `${counted(WORKS.length, "work", "works")}: ${told.join(", ")}. ${flagged ? `${counted(flagged, "work", "works")} flagged for inspection.` : "None flagged."}`
    : "No works yet.";
  if (DATA.left_out) $("sums").append(` ${counted(DATA.left_out, "work is", "works are")} left out of this page; summary.csv has all.`);
  const options = [["all", "All works"], ["flagged", "Flagged"], ["restored", "Restored"], ["untouched", "Untouched"], ["set aside", "Set aside"]];
  $("show").replaceChildren(...options.map(([kind, words]) => element("option", { value: kind }, kind === "all" ? words : `${words} (${number(kind).toLocaleString("en-GB")})`)));
}

function theme(next) {
  const names = Object.keys(THEMES);
  const now = document.documentElement.dataset.theme || "";
  const chosen = next ? names[(names.indexOf(now) + 1) % names.length] : now;
  if (chosen) document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
  $("theme").textContent = THEMES[chosen];
}

function start() {
  head();
  fillMeanings($("meanings"));
  theme(false);
  choose();
  handleStage();
  route();
  $("tools").addEventListener("submit", (event) => event.preventDefault());
  $("query").addEventListener("input", choose);
  for (const id of ["show", "sort"]) $(id).addEventListener("change", choose);
  $("clear").addEventListener("click", () => {
    $("query").value = "";
    $("show").value = "all";
    choose();
    $("query").focus();
  });
  $("works").addEventListener("keydown", step);
  $("theme").addEventListener("click", () => theme(true));
  $("smaller").addEventListener("click", () => zoomTo(view.scale / STEP));
  $("larger").addEventListener("click", () => zoomTo(view.scale * STEP));
  $("fit").addEventListener("click", fitIn);
  $("actual").addEventListener("click", () => zoomTo(1 / devicePixelRatio));
  $("show-damage").addEventListener("click", () => toggle("damage"));
  $("show-change").addEventListener("click", () => toggle("change"));
  $("record").addEventListener("toggle", unfold);
  $("back").addEventListener("click", (event) => {
    event.preventDefault();
    history.pushState(null, "", "#");
    route();
  });
  $("print-all").addEventListener("click", printWhenDrawn);
  $("print-work").addEventListener("click", printWhenDrawn);
  addEventListener("beforeprint", () => printWhenDrawn.ready || printSheets());
  addEventListener("afterprint", () => $("sheets").replaceChildren());
  addEventListener("hashchange", route);
  addEventListener("keydown", press);
}

start();
