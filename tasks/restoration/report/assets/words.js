"use strict";
// The works and their texts. All text is inserted as text, never as HTML.
const DATA = JSON.parse(document.getElementById("data").textContent);
const WORKS = DATA.works;
const $ = (id) => document.getElementById(id);
const FOLDER = "report_files";

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function picture(work, name) {
  return work.key && work.pictures.includes(name) ? `${FOLDER}/${work.key}/${name}` : null;
}

function sentence(text) {
  return text && capital(text) + (/[.!?]$/.test(text) ? "" : ".");
}

// What was done, or why a file was set aside; that reason begins with the name of the file
function summaryOf(work) {
  return work.outcome === "set aside" ? work.summary : sentence(work.summary);
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

function percent(share) {
  if (share === 0 || share === 1) return `${share * 100}%`;
  if (share < 0.0005) return "< 0.1%";
  return `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)}%`;
}

function statusOf(work) {
  return work.flags.length ? `Flagged · ${work.outcome}` : capital(work.outcome);
}

function day(iso) {
  const date = new Date(iso);
  return isNaN(date) ? "" : date.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
}

function counted(number, one, more) {
  return `${number.toLocaleString("en-GB")} ${number === 1 ? one : more}`;
}

function share(value) {
  return Number.isFinite(value) ? percent(value) : null;
}

// What the figures mean, by their names
const MEANINGS = {
  "Filled surface": "Share of the surface where damage was replaced by new pixels, automatically or because a person marked it.",
  "Altered pixels": "Share of the pixels that differ from the scan after all treatments. A correction of noise or colours alters nearly all of them.",
  "Damage found": "Share of the surface where Patina found damage, whether it was filled or not.",
  "Mean ΔE2000": "Mean change of the colour. A change of about 1 is just visible.",
  "ΔE2000 in damage": "Change of the colour where damage was found or filled.",
  "ΔE2000 elsewhere": "Change of the colour in the rest of the work.",
};

// Rows of [what, value] of a work, those that are known
function figuresOf(work) {
  const side = work.sidecar || {};
  const change = side.change || {};
  const inner = change.delta_e2000 || {};
  const spread = (values) => values && [values.mean, values.max].every(Number.isFinite) && `${values.mean.toFixed(1)} mean, ${values.max.toFixed(1)} maximum`;
  const rows = [
    ["Scan", work.file],
    ["Size", work.width && `${work.width} × ${work.height} px`],
    ["Filled surface", share(change.damage?.filled_share)],
    ["Altered pixels", share(work.changed)],
    ["Mean ΔE2000", typeof work.delta_e === "number" ? work.delta_e.toFixed(2) : null],
    ["ΔE2000 in damage", spread(inner.inside_damage)],
    ["ΔE2000 elsewhere", spread(inner.outside_damage)],
    ["Damage found", share(change.damage?.found_share)],
    ["Model", side.model && [side.model.network, side.model.version].filter(Boolean).join(", ")],
    ["Restored", day(side.restored)],
  ];
  return rows.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false).map(([what, value]) => [what, String(value)]);
}

function fillFigures(list, work) {
  list.replaceChildren(...figuresOf(work).flatMap(([what, value]) => [element("dt", MEANINGS[what] ? { title: MEANINGS[what] } : {}, what), element("dd", {}, value)]));
}

function fillMeanings(list) {
  list.replaceChildren(...Object.entries(MEANINGS).flatMap(([what, meaning]) => [element("dt", {}, what), element("dd", {}, meaning)]));
}
