// On paper: a page for the open work, or for each that the list shows; what was set aside is listed.
const MOST_SHEETS = 400; // a browser lays out no more in one go

function printSheets() {
  const works = current ? [current] : shown.slice(0, MOST_SHEETS);
  const aside = works.filter((work) => work.outcome === "set aside");
  $("sheets").replaceChildren(...works.filter((work) => !aside.includes(work)).map(sheet), ...asideSheet(aside));
  if (works.length < shown.length && !current) {
    $("sheets").append(element("p", {}, `The first ${works.length} of ${shown.length} works. Search, and print the others in parts.`));
  }
}

function asideSheet(works) {
  if (!works.length) return [];
  const reasons = works.flatMap((work) => [element("dt", {}, element("bdi", {}, work.name)), element("dd", {}, work.summary)]);
  return [element("section", { class: "sheet aside" }, element("h2", {}, "Set aside"), element("dl", {}, ...reasons))];
}

function sheet(work) {
  const figures = element("dl");
  fillFigures(figures, work);
  return element("section", { class: "sheet" },
    element("p", { class: work.flags.length ? "status flagged" : "status" }, statusOf(work)),
    element("h2", {}, element("bdi", {}, work.name)),
    element("p", { class: "lead" }, summaryOf(work)),
    ...work.flags.map((flag) => element("p", { class: "flag" }, sentence(flag))),
    element("div", { class: picture(work, "after.jpg") ? "pictures" : "pictures one" }, ...prints(work)),
    figures,
    element("footer", {}, element("span", {}, (work.sidecar && work.sidecar.statement) || ""),
      element("span", {}, `Patina ${DATA.version}, ${day(DATA.made)}`)));
}

function prints(work) {
  const before = picture(work, "before.jpg");
  if (!before) return [];
  const after = picture(work, "after.jpg");
  return [
    figure(after ? "Before" : captionOf(work), before),
    after && figure("After", after),
    picture(work, "damage.webp") && figure("Damage: pink filled, turquoise not filled or a possible stain", before, picture(work, "damage.webp")),
    picture(work, "change.webp") && figure("Change: orange lighter, blue darker", before, picture(work, "change.webp")),
  ].filter(Boolean);
}

function captionOf(work) {
  return work.outcome === "untouched" ? "Unchanged" : "The change is too small to be visible";
}

function figure(words, source, over = null) {
  const base = element("img", over ? { src: source, alt: "", class: "faint" } : { src: source, alt: words });
  return element("figure", {}, element("div", {}, base, over && element("img", { src: over, alt: words })), element("figcaption", {}, words));
}

// The pictures must be there before the browser lays out the pages
async function printWhenDrawn() {
  printSheets();
  await Promise.allSettled([...$("sheets").querySelectorAll("img")].map((image) => image.decode()));
  printWhenDrawn.ready = true;
  print();
  printWhenDrawn.ready = false;
}
