// Draws everything from the data embedded in the page. The state of the selectors lives in the URL's hash.
const data = withNames(JSON.parse(byId("data").textContent));
const { analysis, trials, colours, words } = data;
const context = analysis.context;
const cells = context.cells;
// Peaks were searched in some cells only: as a table like the others they have all.
const nothingThere = { status: "missing", value: null, interval: null, blocks: 0, standing: null, reasons: [] };
const sameCell = (a, b) => a.transport === b.transport && a.connections === b.connections && a.payload_bytes === b.payload_bytes;
for (const { table } of analysis.peaks?.goals ?? []) {
  const places = cells.map((cell) => table.columns.findIndex((column) => sameCell(column, cell)));
  analysis.tables.push({ ...table, columns: cells, rows: table.rows.map((row) => ({ ...row, entries: places.map((place) => row.entries[place] ?? nothingThere) })) });
}
// What a trial does not have is left out of the page.
for (const trial of trials) {
  trial.reasons ??= {}; trial.options ??= []; trial.failure ??= null;
  for (const load of trial.loads) { load.gates ??= []; load.curves ??= {}; load.frames_by_second ??= []; load.lag_p99_ns_by_quarter ??= []; }
}
const hasValue = (table) => table.rows.some((row) => row.entries.some((entry) => entry.value !== null));
const firstTable = analysis.tables.find(hasValue) ?? analysis.tables[0];
const names = analysis.tables[0].rows.map((row) => row.name);

// --- state -----------------------------------------------------------------------------------------------------

const defaults = { metric: firstTable.key, transport: "", payload: "", connections: "", off: "", sort: "", theme: "", at: "", many: "100000", memory: "", cell: "", trial: "" };
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

// --- selectors, and what they share ------------------------------------------------------------------------------

function engineLabel(row) {
  return element("span", {}, element("span", { class: "swatch", style: `background:${colours[row]}` }), names[row]);
}

function options(select, key, choices) {
  select.replaceChildren(...choices.map(([value, text]) => element("option", { value }, text)));
  select.value = state[key];
  select.onchange = () => set({ [key]: select.value, cell: "", trial: "" });
}

const hidden = () => new Set(state.off.split("~").filter(Boolean));

function drawControls() {
  options(byId("metric"), "metric", analysis.tables.filter(hasValue).map((table) => [table.key, table.title]));
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
