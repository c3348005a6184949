"use strict";
// Draws everything from the data embedded in the page. The state of the selectors lives in the URL's hash.
const data = JSON.parse(document.getElementById("data").textContent);
const { analysis, trials, colours, words } = data;
const context = analysis.context;
const cells = context.cells;
const names = analysis.tables[0].rows.map((row) => row.name);
const byId = (id) => document.getElementById(id);

// --- state -----------------------------------------------------------------------------------------------------

const defaults = { metric: analysis.tables[0].key, transport: "", payload: "", connections: "", off: "", sort: "", theme: "", at: "", many: "100000", memory: "", cell: "", trial: "" };
let state = { ...defaults };

function readHash() {
  state = { ...defaults };
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) if (key in state) state[key] = value;
  // A link may come from another run: what this one does not have is not asked for.
  const has = { metric: (key) => analysis.tables.some((table) => table.key === key), transport: (name) => cells.some((cell) => cell.transport === name),
    payload: (bytes) => cells.some((cell) => String(cell.payload_bytes) === bytes), connections: (count) => cells.some((cell) => String(cell.connections) === count),
    theme: (name) => name === "light" || name === "dark" };
  for (const [key, test] of Object.entries(has)) if (state[key] && !test(state[key])) state[key] = defaults[key];
}

function set(changes) {
  const next = { ...state, ...changes };
  const kept = Object.entries(next).filter(([key, value]) => value !== defaults[key]);
  const hash = new URLSearchParams(kept).toString();
  if (hash === location.hash.slice(1)) draw();
  else location.hash = hash;
}

// --- numbers ---------------------------------------------------------------------------------------------------

const scales = { nanoseconds: ["ns", "µs", "ms", "s"], frames_per_second: ["/s", "k/s", "M/s", "G/s"], bytes: ["B", "KB", "MB", "GB"] };

function digits(value) {
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 ? 0 : size >= 0.995 || size === 0 ? 1 : size >= 0.0995 ? 2 : 3);
}

function compact(value, unit) {
  const units = scales[unit];
  if (!units) return digits(value);
  let step = 0;
  while (Math.abs(value) >= 999.5 && step + 1 < units.length) { value /= 1000; step += 1; }
  return `${step === 0 && Number.isInteger(value) ? value : digits(value)} ${units[step]}`;
}

const ratioText = (ratio) => ratio === null ? "" : ratio.toFixed(ratio < 9.995 ? 2 : ratio < 99.95 ? 1 : 0);
const percent = (ratio) => `${ratio < 1 ? "−" : "+"}${digits(Math.abs(ratio - 1) * 100)} %`;
const place = (x) => { const scale = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, x))) - 2); return String(Math.round(x / scale) * scale); };
const transports = { tcp: "TCP", unix: "Unix", udp: "UDP" };
const cellText = (cell) => `${transports[cell.transport]} ${cell.payload_bytes} B × ${cell.connections} connections`;
const cellKey = (cell) => `${cell.transport}-${cell.payload_bytes}-${cell.connections}`;

// --- elements --------------------------------------------------------------------------------------------------

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

function svg(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function engineLabel(row) {
  return element("span", {}, element("span", { class: "swatch", style: `background:${colours[row]}` }), names[row]);
}

// --- selectors -------------------------------------------------------------------------------------------------

function options(select, key, choices) {
  select.replaceChildren(...choices.map(([value, text]) => element("option", { value }, text)));
  select.value = state[key];
  select.onchange = () => set({ [key]: select.value, cell: "", trial: "" });
}

const distinct = (values) => [...new Set(values)];
const hidden = () => new Set(state.off.split("~").filter(Boolean));

function drawControls() {
  options(byId("metric"), "metric", analysis.tables.map((table) => [table.key, table.title]));
  options(byId("transport"), "transport", [["", "all"], ...distinct(cells.map((cell) => cell.transport)).map((t) => [t, transports[t]])]);
  const sorted = (key) => distinct(cells.map((cell) => cell[key])).sort((a, b) => a - b).map(String);
  options(byId("payload"), "payload", [["", "all"], ...sorted("payload_bytes").map((p) => [p, `${p} B`])]);
  options(byId("connections"), "connections", [["", "all"], ...sorted("connections").map((c) => [c, c])]);
  const off = hidden();
  const boxes = names.map((name, row) => {
    const box = element("input", { type: "checkbox", "data-focus": `engine ${name}` });
    box.checked = !off.has(name);
    box.onchange = () => {
      if (box.checked) off.delete(name); else off.add(name);
      set({ off: [...off].join("~") });
    };
    return element("label", {}, box, engineLabel(row));
  });
  byId("engines").replaceChildren(element("legend", {}, "Engines"), ...boxes);
}

const shown = (cell) => (!state.transport || cell.transport === state.transport)
  && (!state.payload || String(cell.payload_bytes) === state.payload)
  && (!state.connections || String(cell.connections) === state.connections);
const visibleRows = () => { const off = hidden(); return names.map((_, row) => row).filter((row) => !off.has(names[row])); };
