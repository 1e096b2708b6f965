// The dashboard page: asks the daemon for sums and shows them. It stores nothing and calls nothing but the daemon.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const UNITS = [[1e9, "GJ"], [1e6, "MJ"], [1e3, "kJ"], [1, "J"], [1e-3, "mJ"]];
const METHODS = { measured: "measured", modelled: "modelled from CPU time", estimated: "estimated", unknown: "unknown" };
const $ = (id) => document.getElementById(id);

/** A new element with attributes and children; text goes in as text, never as HTML. */
function make(name, attributes = {}, ...children) {
  const element = name.startsWith("svg:")
    ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function joules(value) {
  if (value === null || value === undefined) return "unknown";
  if (value === 0) return "0 J";
  const size = Math.abs(value);
  const [scale, unit] = UNITS.find(([scale]) => size >= scale * 0.9995) ?? UNITS[UNITS.length - 1];
  return `${value < 0 ? "−" : ""}${Number((size / scale).toPrecision(3))} ${unit}`;
}

function range(low, high) {
  return low === null || low === undefined ? "" : `${joules(low)} to ${joules(high)}`;
}

function share(value) {
  return value > 0 && value < 0.005 ? "under 1 %" : `${Math.round(100 * value)} %`;
}

function percent(part, whole) {
  return whole ? share(part / whole) : "unknown";
}

function milliseconds(value) {
  if (value === null) return "unknown";
  return value < 1000 ? `${Math.round(value)} ms` : `${(value / 1000).toFixed(1)} s`;
}

function moment(seconds, step) {
  const date = new Date(seconds * 1000);
  if (step === 3600) return date.toLocaleString(undefined, { weekday: "short", hour: "2-digit", minute: "2-digit" });
  // days and months are counted in UTC
  return date.toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric", timeZone: "UTC" });
}

function tile(title, figure, note, tone = "") {
  return make("div", tone ? { class: tone } : {}, make("dt", {}, title),
    make("dd", { class: "figure" }, figure), make("dd", { class: "range" }, note));
}

function showSum(data) {
  const { energy, saved, saved_vs_local: local, requests, j_per_accepted_char: perChar } = data.summary;
  const tone = (value) => (value === null || value === undefined ? "" : value < 0 ? "bad" : "good");
  $("tiles").replaceChildren(
    tile("Used", joules(energy.total_j), range(energy.low_j, energy.high_j)),
    tile(`Saved against ${saved.reference || "the reference"}`, joules(saved.j), range(saved.low_j, saved.high_j), tone(saved.j)),
    tile("Saved against always local", joules(local?.j), range(local?.low_j, local?.high_j), tone(local?.j)),
    tile("For nothing", percent(energy.wasted_j ?? 0, energy.total_j), `${joules(energy.wasted_j)} on answers that were not used`),
    tile("Accepted", percent(data.accepted, data.decided), `${data.accepted} of ${data.decided} answers with a known fate`),
    tile("Per accepted character", joules(perChar), `${requests.toLocaleString()} requests in all`),
  );
  const shares = Object.entries(data.summary.method_shares)
    .map(([method, part]) => `${share(part)} ${METHODS[method] ?? method}`).join(", ");
  $("method").textContent = `How the joules were found, by requests: ${shares}. The range under each figure is where ` +
    "the truth is expected to lie. A negative saving means that the reference would have used less.";
}

/** A table with a caption, inside a region that scrolls sideways and can be reached by keyboard. */
function table(caption, heads, rows) {
  const head = make("tr", {}, ...heads.map(([text, number]) => make("th", { scope: "col", ...(number ? { class: "number" } : {}) }, text)));
  const body = rows.map((cells) => make("tr", {}, ...cells.map((cell, i) => {
    const attributes = heads[i][1] ? { class: "number" } : heads[i][2] ? { class: heads[i][2] } : {};
    return i === 0 ? make("th", { scope: "row", ...attributes }, cell) : make("td", attributes, cell);
  })));
  return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    make("table", {}, make("caption", {}, caption), make("thead", {}, head), make("tbody", {}, ...body)));
}

/** A figure with a smaller line below it. */
function withNote(figure, note) {
  return make("span", {}, figure, note ? make("small", {}, note) : null);
}

/** Bars from `parts` [[class, value(bar)]]: positive ones stacked upwards, negative ones down; with a table below. */
function chart(place, data, title, parts, key) {
  const bars = data.bars;
  const up = Math.max(...bars.map((bar) => parts.reduce((sum, [, value]) => sum + Math.max(0, value(bar)), 0)), 0);
  const down = Math.max(...bars.map((bar) => parts.reduce((sum, [, value]) => sum + Math.max(0, -value(bar)), 0)), 0);
  const scale = 100 / (up + down || 1);
  const zero = up * scale;
  const svg = make("svg:svg", { viewBox: `0 0 ${bars.length} 100`, preserveAspectRatio: "none", role: "img", "aria-label": `${title}; the figures are in the table below` });
  bars.forEach((bar, i) => {
    let top = zero, bottom = zero;
    const hint = make("svg:title", {}, `${moment(bar.start, data.step_s)}: ${parts.map(([, value, name]) => `${name} ${joules(value(bar))}`).join(", ")}`);
    const group = make("svg:g", {}, hint);
    for (const [tone, value] of parts) {
      const height = Math.abs(value(bar)) * scale;
      if (!height) continue;
      const negative = value(bar) < 0;
      if (!negative) top -= height;
      group.append(make("svg:rect", { x: i + 0.08, width: 0.84, y: negative ? bottom : top, height: Math.max(height, 0.8), class: negative ? "waste" : tone }));
      if (negative) bottom += height;
    }
    svg.append(group);
  });
  svg.append(make("svg:line", { x1: 0, x2: bars.length, y1: zero, y2: zero, class: "zero" }));
  const axis = make("div", { class: "axis", "aria-hidden": "true" }, make("span", {}, moment(bars[0].start, data.step_s)),
    make("span", {}, `tallest: ${joules(Math.max(up, down))}`), make("span", {}, moment(bars[bars.length - 1].start, data.step_s)));
  const keys = make("ul", { class: "key" }, ...key.map(([tone, text]) => make("li", { class: tone }, text)));
  const lines = bars.filter((bar) => bar.requests).reverse()
    .map((bar) => [moment(bar.start, data.step_s), String(bar.requests), ...parts.map(([, value]) => joules(value(bar)))]);
  const details = make("details", {}, make("summary", {}, "As a table"),
    table(title, [["When"], ["Requests", true], ...parts.map(([, , name]) => [name, true])], lines));
  $(place).replaceChildren(svg, axis, keys, details);
}

function showOverTime(data) {
  chart("used", data, "Joules used over time", [
    ["used", (bar) => Math.max(0, (bar.used_j ?? 0) - (bar.wasted_j ?? 0)), "Used for answers"],
    ["waste", (bar) => bar.wasted_j ?? 0, "For nothing"],
  ], [["used", "for answers"], ["waste", "for nothing"]]);
  chart("saved", data, "Joules saved over time", [["good", (bar) => bar.saved_j ?? 0, "Saved"]],
    [["good", "saved"], ["waste", "the reference would have used less"]]);
}

function showGroups(data) {
  const titles = { tier: "By tier", language: "By language", editor: "By editor" };
  const heads = [["Name"], ["Requests", true], ["Used", true], ["For nothing", true], ["Saved", true], ["Accepted", true]];
  $("groups").replaceChildren(...Object.entries(titles).map(([key, title]) => table(title, heads, data.groups[key].map((group) => [
    group.name || "not told", group.requests.toLocaleString(), withNote(joules(group.energy.total_j), range(group.energy.low_j, group.energy.high_j)),
    percent(group.energy.wasted_j ?? 0, group.energy.total_j), joules(group.saved.j), percent(group.accepted, group.decided),
  ]))));
}

function showLatency(data) {
  $("latency").replaceChildren(table("This share of the requests was faster than",
    [["Tier"], ["Kind"], ["Requests", true], ["First token 50 %", true], ["50 %", true], ["90 %", true], ["99 %", true]],
    data.latencies.map((line) => [line.tier, line.kind, line.n.toLocaleString(), milliseconds(line.first_token_p50),
      milliseconds(line.total_p50), milliseconds(line.total_p90), milliseconds(line.total_p99)])));
}

function showCalibration(data) {
  if (!data.calibration.length) {
    $("calibration").replaceChildren(make("p", {}, "Not known yet: it takes answers that the router chose and that were accepted or rejected."));
    return;
  }
  $("calibration").replaceChildren(table("Predicted against observed", [["Predicted"], ["Requests", true], ["Expected to pass", true], ["Accepted", true]],
    data.calibration.map((bin) => [`${share(bin.low)} to ${share(bin.high)}`, String(bin.n), share(bin.predicted), share(bin.observed)])));
}

function showRecent(data) {
  const heads = [["When"], ["What"], ["Tier"], ["Reason", false, "reason"], ["Tokens", true], ["Time", true], ["Used", true], ["Saved", true], ["Fate"]];
  $("recent").replaceChildren(table(`The latest ${data.recent.length} requests, newest first`, heads, data.recent.map((row) => [
    new Date(row.time * 1000).toLocaleString(undefined, { dateStyle: "short", timeStyle: "short" }),
    [row.kind, row.language].filter(Boolean).join(", "), row.tier || row.tier_kind, row.reason,
    row.completion_tokens === null ? "unknown" : String(row.completion_tokens), milliseconds(row.total_ms),
    withNote(joules(row.total_j), row.total_j === null ? "" : `${range(row.low_j, row.high_j)}, ${row.method}`), joules(row.saved_j),
    (row.outcome ?? "open").replace("_", " "),
  ])));
}

let newest = 0;

async function load() {
  const mine = ++newest;  // an answer that arrives after a newer question is dropped
  $("state").className = "";
  $("state").textContent = "Loading…";
  try {
    const reply = await fetch(`dashboard/data?span=${encodeURIComponent($("span").value)}`, { credentials: "same-origin" });
    if (reply.status === 401) throw new Error("This session is over. Run “halfwatt dashboard” in a terminal for a new link.");
    if (!reply.ok) throw new Error(`The daemon answered with error ${reply.status}. Its log says more: halfwatt daemon logs`);
    const data = await reply.json();
    if (mine !== newest) return;
    const any = data.summary.requests > 0;
    $("empty").hidden = any || data.recent.length > 0;
    $("filled").hidden = !any;
    $("meter").textContent = `Meter: ${data.meter}.${any && data.step_s > 3600 ? " Days on the charts are UTC days." : ""}`;
    $("state").textContent = any ? `${data.summary.requests.toLocaleString()} requests, as of ${new Date().toLocaleTimeString()}.`
      : data.recent.length ? "No request in this time. Choose a longer one." : "";
    if (any) [showSum, showOverTime, showGroups, showLatency, showCalibration, showRecent].forEach((show) => show(data));
  } catch (error) {
    if (mine !== newest) return;
    $("state").className = "problem";
    $("state").textContent = error instanceof TypeError ? "The daemon does not answer. Run “halfwatt dashboard” in a terminal." : error.message;
  }
}

$("span").addEventListener("change", load);
$("refresh").addEventListener("click", load);
load();
