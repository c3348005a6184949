// Two runs side by side: every number of both, and what changed beyond noise.
const { comparison, names } = JSON.parse(document.getElementById("data").textContent);

const defaults = { metric: "", show: "", engine: "", sort: "", theme: "" };
let state = { ...defaults };
const shows = { "": "what changed beyond noise", all: "everything", regression: "regressions", improvement: "improvements", unchanged: "unchanged", undetermined: "undetermined", missing: "missing" };

function readHash() {
  state = { ...defaults };
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) if (key in state) state[key] = value;
  const has = { metric: (key) => comparison.metrics.some((metric) => metric.key === key), show: (key) => key in shows, engine: (name) => names.includes(name), theme: (name) => name === "light" || name === "dark" };
  for (const [key, test] of Object.entries(has)) if (state[key] && !test(state[key])) state[key] = defaults[key];
}

function set(changes) {
  const kept = Object.entries({ ...state, ...changes }).filter(([key, value]) => value !== defaults[key]);
  const hash = new URLSearchParams(kept).toString();
  if (hash === location.hash.slice(1)) draw();
  else location.hash = hash;
}

const all = comparison.metrics.flatMap((metric) => metric.rows.flatMap((row, place) => row.changes.map((change, column) => ({ metric, name: names[place], cell: metric.columns[column], change }))));
const changed = ({ change }) => change.direction === "regression" || change.direction === "improvement";

function options(id, choices) {
  const select = byId(id);
  select.replaceChildren(...choices.map(([value, text]) => element("option", { value }, text)));
  select.value = state[id];
  select.onchange = () => set({ [id]: select.value });
}

const seen = (side, unit) => side.value === null ? "—" : side.status === "measured" ? compact(side.value, unit) : side.status === "bound" ? `bound ${compact(side.value, unit)}` : `(${compact(side.value, unit)})`;

// The ratio on a logarithmic scale with its interval, before the band of noise.
function strip(change, delta, reach) {
  const [width, height] = [150, 16];
  const at = (log) => width / 2 + Math.max(-1, Math.min(1, log / reach)) * (width / 2 - 4);
  const chart = svg("svg", { class: "live", width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  chart.append(svg("rect", { class: "band", x: at(-delta), width: at(delta) - at(-delta), y: 0, height }));
  chart.append(svg("line", { class: "axis", x1: width / 2, x2: width / 2, y1: 0, y2: height }));
  if (change.interval) chart.append(svg("line", { class: change.direction, x1: at(Math.log(change.interval.lo)), x2: at(Math.log(change.interval.hi)), y1: 8, y2: 8, "stroke-width": 2.5 }));
  if (change.ratio) chart.append(svg("circle", { class: change.direction, cx: at(Math.log(change.ratio)), cy: 8, r: 3.5 }));
  return chart;
}

function explain({ metric, change }) {
  const share = (p) => p === null ? "" : p < 0.001 ? "below 0.1 %" : `${digits(p * 100)} %`;
  return [`${change.direction}: A ${seen(change.a, metric.unit)} (${change.a.blocks} blocks count), B ${seen(change.b, metric.unit)} (${change.b.blocks} blocks count); ${metric.better} is better`,
    change.ratio === null ? "" : `B ÷ A = ${ratioText(change.ratio)}${change.interval ? ` [${ratioText(change.interval.lo)}, ${ratioText(change.interval.hi)}]` : ""}; differences below ±${digits(Math.expm1(metric.delta) * 100)} % are noise`,
    change.p_value === null ? "" : `chance alone goes this far in ${share(change.p_value)} of cases, ${share(change.p_adjusted)} after adjusting for ${metric.family} comparisons; at most 5 % is called`, change.reason ?? ""].filter(Boolean);
}

function note(title, lines) {
  byId("detail-body").replaceChildren(element("button", { type: "button", class: "close", onclick: () => byId("detail").close() }, "Close"), element("h2", { id: "detail-title" }, title), element("ul", {}, ...lines.map((line) => element("li", {}, line))));
  byId("detail").showModal();
}

const columns = [
  ["metric", (one) => one.metric.title, "left"], ["engine", (one) => one.name, "left"], ["cell", (one) => cellText(one.cell), "left"],
  ["A", (one) => one.change.a.value, ""], ["B", (one) => one.change.b.value, ""], ["B ÷ A", (one) => one.change.ratio, ""], ["change", (one) => one.change.ratio === null ? null : Math.abs(Math.log(one.change.ratio)), "left"], ["verdict", (one) => one.change.direction, "left"],
];

function draw() {
  const focused = document.activeElement?.dataset.focus;
  if (state.theme) document.documentElement.dataset.theme = state.theme;
  else delete document.documentElement.dataset.theme;
  options("metric", [["", "all"], ...comparison.metrics.map((metric) => [metric.key, metric.title])]);
  options("show", Object.entries(shows));
  options("engine", [["", "all"], ...names.map((name) => [name, name])]);
  const picked = all.filter((one) => (!state.metric || one.metric.key === state.metric) && (!state.engine || one.name === state.engine))
  const rows = picked.filter((one) => state.show === "all" || (state.show === "" ? changed(one) : one.change.direction === state.show));
  const [sort, order] = state.sort.split(".");
  const by = columns.find(([name]) => name === sort)?.[1];
  const sign = order === "falling" ? -1 : 1;
  // What has no value stands last, whichever way the others are sorted.
  if (by) rows.sort((a, b) => { const [x, y] = [by(a), by(b)]; return (x === null) - (y === null) || sign * (typeof x === "string" ? x.localeCompare(y) : x - y); });
  byId("title").textContent = `${rows.length} of ${picked.length} comparisons: ${shows[state.show]}`;
  const metric = comparison.metrics.find((found) => found.key === state.metric);
  byId("caption").textContent = metric ? `${metric.title}, ${metric.better} is better. Noise: differences below ±${digits(Math.expm1(metric.delta) * 100)} % are none.${metric.shift ? ` All variants together moved by ${percent(metric.shift)}.` : ""}` : "";
  const reach = Math.max(0.1, ...rows.filter((one) => one.change.ratio).map((one) => Math.abs(Math.log(one.change.ratio)) * 1.15));
  const heading = ([name, , side]) => {
    const sorted = sort === name;
    return element("th", { scope: "col", class: side, "aria-sort": sorted ? (order === "falling" ? "descending" : "ascending") : null },
      element("button", { type: "button", "data-focus": `sort ${name}`, onclick: () => set({ sort: sorted && order !== "falling" ? `${name}.falling` : name }) }, name));
  };
  const body = rows.map((one) => {
    const { metric, name, cell, change } = one;
    const said = explain(one);
    return element("tr", {}, element("td", { class: "left" }, metric.title), element("td", { class: "left" }, name), element("td", { class: "left" }, cellText(cell)),
      element("td", {}, seen(change.a, metric.unit)), element("td", {}, seen(change.b, metric.unit)),
      element("td", {}, change.ratio === null ? "—" : `${percent(change.ratio)}${change.interval ? ` [${percent(change.interval.lo)}, ${percent(change.interval.hi)}]` : ""}`),
      element("td", {}, strip(change, metric.delta, reach)),
      element("td", { class: `left ${change.direction}` }, element("button", { type: "button", title: said.join("\n"), onclick: () => note(`${name}, ${cellText(cell)}: ${metric.title}`, said) }, change.direction)));
  });
  byId("changes").replaceChildren(element("thead", {}, element("tr", {}, ...columns.map(heading))), element("tbody", {}, ...body));
  if (focused) document.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
}

byId("theme").addEventListener("click", () => {
  const dark = state.theme ? state.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  set({ theme: dark ? "light" : "dark" });
});
addEventListener("hashchange", () => { readHash(); draw(); });
readHash();
draw();
