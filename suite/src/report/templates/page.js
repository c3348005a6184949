"use strict";
// Draws everything from the data embedded in the page. The state of the selectors lives in the URL's hash.
const data = JSON.parse(document.getElementById("data").textContent);
const { analysis, trials, colours } = data;
const context = analysis.context;
const names = analysis.tables[0].rows.map((row) => row.name);
const byId = (id) => document.getElementById(id);

// --- state -----------------------------------------------------------------------------------------------------

const defaults = { metric: analysis.tables[0].key, transport: "", payload: "", connections: "", off: "", sort: "", theme: "", cell: "", trial: "" };
let state = { ...defaults };

function readHash() {
  state = { ...defaults };
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) if (key in state) state[key] = value;
  if (!analysis.tables.some((table) => table.key === state.metric)) state.metric = defaults.metric;
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
    if (key === "onclick") made.addEventListener("click", value);
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
  const cells = context.cells;
  options(byId("metric"), "metric", analysis.tables.map((table) => [table.key, table.title]));
  options(byId("transport"), "transport", [["", "all"], ...distinct(cells.map((cell) => cell.transport)).map((t) => [t, transports[t]])]);
  const sorted = (key) => distinct(cells.map((cell) => cell[key])).sort((a, b) => a - b).map(String);
  options(byId("payload"), "payload", [["", "all"], ...sorted("payload_bytes").map((p) => [p, `${p} B`])]);
  options(byId("connections"), "connections", [["", "all"], ...sorted("connections").map((c) => [c, c])]);
  const off = hidden();
  const boxes = names.map((name, row) => {
    const box = element("input", { type: "checkbox" });
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

// --- entries ---------------------------------------------------------------------------------------------------

const toneOf = { best: "best", leading: "near", tie: "near" };

function reasonsText(entry) {
  return entry.reasons.map((x) => `${x.reason.kind}: ${x.reason.detail} (${x.blocks} ${x.blocks === 1 ? "block" : "blocks"})`).join("\n");
}

function intervalText(interval, unit) {
  return interval ? ` [${compact(interval.lo, unit)}, ${compact(interval.hi, unit)}]` : "";
}

function entryCell(entry, table, mark, onclick) {
  const standing = entry.standing;
  let text = entry.value === null ? "—" : compact(entry.value, table.unit);
  let tone = "faint";
  if (entry.status === "bound") text = `${table.better === "higher" ? "≥" : "≤"}${text}`;
  else if (entry.status === "invalid" && entry.value !== null) text = `(${text})`;
  else if (entry.status === "measured") tone = standing ? toneOf[standing.verdict] ?? "" : "";
  const title = [`${entry.blocks} of ${context.blocks_asked} blocks`, intervalText(entry.interval, table.unit), reasonsText(entry)].filter(Boolean).join("\n");
  if (entry.reasons.length) text += " *";
  const inner = onclick ? element("button", { type: "button", title, onclick }, text) : element("span", { title }, text);
  return element("td", { class: tone }, inner, element("span", { class: "mark" }, mark));
}

function standingMark(standing) {
  if (!standing) return "";
  const sign = { leading: "≈", tie: "≈", undetermined: "?" }[standing.verdict] ?? "";
  return standing.verdict === "alone" ? "" : sign + ratioText(standing.ratio);
}

// --- tables ----------------------------------------------------------------------------------------------------

const currentTable = () => analysis.tables.find((table) => table.key === state.metric);

function floorText(floor) {
  const noise = floor.log_ratio === null ? "unknown" : `${digits(Math.expm1(floor.log_ratio) * 100)} %`;
  return `Noise floor ${noise} (${floor.pairs} A/A pairs); smaller differences, and any below 2 %, are ties.`;
}

function drawValues() {
  const table = currentTable();
  byId("values-title").textContent = `${table.title}, ${table.better} is better`;
  byId("values-caption").textContent = `${table.formula}. ${data.setting}. ${floorText(table.floor)}`;
  const columns = table.columns.map((cell, column) => ({ cell, column })).filter(({ cell }) => shown(cell));
  const [sortKey, direction] = state.sort.split(".");
  const sortColumn = columns.find(({ cell }) => cellKey(cell) === sortKey);
  const rows = visibleRows();
  if (sortColumn) {
    const worst = table.better === "lower" ? Infinity : -Infinity;
    const value = (row) => { const entry = table.rows[row].entries[sortColumn.column]; return entry.status === "measured" ? entry.value : worst; };
    const sign = (table.better === "lower" ? 1 : -1) * (direction === "worst" ? -1 : 1);
    rows.sort((a, b) => value(a) === value(b) ? a - b : sign * (value(a) < value(b) ? -1 : 1));
  }
  const heading = ({ cell, column }) => {
    const key = cellKey(cell);
    const sorted = sortColumn && key === sortKey;
    const next = sorted && direction !== "worst" ? `${key}.worst` : key;
    const rate = table.mode === "open" && analysis.rates_per_s[column] !== null ? `\nat ${compact(Number(analysis.rates_per_s[column].toPrecision(2)), "frames_per_second").replace(".0 ", " ")}` : "";
    const ascending = (table.better === "lower") !== (direction === "worst");
    const text = `${transports[cell.transport]} ${cell.payload_bytes} B\n${cell.connections} conns${rate}`;
    return element("th", { scope: "col", "aria-sort": sorted ? (ascending ? "ascending" : "descending") : null },
      element("button", { type: "button", onclick: () => set({ sort: next }) }, text));
  };
  const body = rows.map((row) => {
    const cells = columns.map(({ cell, column }) => {
      const entry = table.rows[row].entries[column];
      const td = entryCell(entry, table, standingMark(entry.standing), () => set({ cell: `${row}.${cellKey(cell)}`, trial: "" }));
      const ratio = entry.status === "measured" && entry.standing ? entry.standing.ratio : null;
      if (ratio > 1) td.style.background = `rgba(var(--worse), ${Math.min(0.35, Math.log(ratio) * 0.3).toFixed(3)})`;
      return td;
    });
    return element("tr", {}, element("th", { scope: "row" }, engineLabel(row)), ...cells);
  });
  byId("values").replaceChildren(
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "engine"), ...columns.map(heading))),
    element("tbody", {}, ...body));
}

function leadText(lead, pair) {
  const name = { first: names[pair.first], second: names[pair.second] };
  const other = { first: "second", second: "first" };
  if (lead === "tie") return ["tie", "near", "not told apart at any point"];
  if (lead.ahead) {
    const tied = lead.ahead.tied_at;
    const text = `${name[lead.ahead.side]}${tied.length ? ` ≈${tied.join(" ")}` : ""}`;
    return [text, "", tied.length ? "ahead but for ties at the points named" : "ahead throughout"];
  }
  if (lead.between) return [`→ ${name[other[lead.between.from]]} in ${lead.between.lo}–${lead.between.hi}`, "crossing", "the lead changes somewhere between"];
  if (lead.crossings) {
    const one = (c) => `→ ${name[other[c.from]]} at ${place(c.at)} [${place(c.interval.lo)}, ${place(c.interval.hi)}]`;
    const band = lead.crossings.map((c) => `even within δ from ${place(c.tie_band.lo)} to ${place(c.tie_band.hi)}`).join("; ");
    return [lead.crossings.map(one).join(", "), "crossing", `95 % interval of the place; ${band}`];
  }
  return ["?", "faint", lead.undetermined.why];
}

function drawLeads() {
  const sets = analysis.lines.filter((lines) => lines.key === state.metric);
  byId("leads-section").hidden = sets.length === 0;
  if (sets.length === 0) return;
  byId("leads-caption").textContent = "The one named is ahead. → X at n: X overtakes the other at n. ≈n: a tie at n. without …: no valid value there.";
  const off = hidden();
  const columns = sets.flatMap((lines) => lines.lines.map((line, place) => ({ lines, line, place })))
    .filter(({ line }) => !state.transport || line.transport === state.transport);
  const heading = ({ lines, line }) => {
    const range = `${line.xs[0]}–${line.xs.at(-1)}`;
    const text = lines.along === "connections" ? `${line.fixed} B, ${range} conns` : `${line.fixed} conns, ${range} B`;
    return element("th", { scope: "col" }, `${transports[line.transport]} ${text}`);
  };
  const rows = sets[0].pairs.map((pair, place) => ({ pair, place })).filter(({ pair }) => !off.has(names[pair.first]) && !off.has(names[pair.second]));
  const body = rows.map(({ pair, place }) => element("tr", {},
    element("th", { scope: "row" }, engineLabel(pair.first), " · ", engineLabel(pair.second)),
    ...columns.map((column) => {
      const finding = column.lines.pairs[place].findings[column.place];
      const [text, tone, title] = leadText(finding.lead, pair);
      // Points without a valid value are not part of the finding.
      const missing = column.line.xs.filter((x) => finding.points.every((p) => p.x !== x));
      const part = finding.points.length && missing.length ? ` without ${missing.join(" ")}` : "";
      return element("td", { class: tone, title }, text + part);
    })));
  byId("leads").replaceChildren(
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "pair"), ...columns.map(heading))), element("tbody", {}, ...body));
}

const states = { connected: "never used", active: "active", used: "used, idle" };

function drawSlopes() {
  byId("slopes-section").hidden = analysis.slopes.length === 0;
  byId("slopes").replaceChildren(...analysis.slopes.flatMap((table) => {
    const heading = (column) => `${transports[column.transport]} ${column.payload_bytes === null ? "all payloads" : `${column.payload_bytes} B`}, ${states[column.state]}`;
    const body = visibleRows().map((row) => element("tr", {}, element("th", { scope: "row" }, engineLabel(row)),
      ...table.rows[row].entries.map((entry) => entryCell(entry, table, standingMark(entry.standing)))));
    const made = element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "engine"),
      ...table.columns.map((column) => element("th", { scope: "col" }, heading(column))))), element("tbody", {}, ...body));
    return [element("h3", {}, table.title), element("p", { class: "caption" }, table.formula),
      element("div", { class: "scroll", tabindex: "0" }, made)];
  }));
}

function drawContrast() {
  const contrast = analysis.contrasts.find((found) => found.key === state.metric);
  byId("contrast-section").hidden = !contrast;
  if (!contrast) return;
  const table = currentTable();
  const body = visibleRows().map((row) => element("tr", {}, element("th", { scope: "row" }, engineLabel(row)),
    ...contrast.rows[row].entries.flatMap((entry) => {
      const sign = entry.separated ? "" : entry.interval ? "≈" : "?";
      const tcp = entryCell({ ...entry.tcp, standing: null }, table, "");
      return [tcp, entryCell({ ...entry.other, standing: null }, table, entry.ratio === null ? "" : sign + percent(entry.ratio))];
    })));
  const headings = contrast.columns.flatMap((cell) => [element("th", { scope: "col" }, `TCP ${cell.payload_bytes} B × ${cell.connections}`),
    element("th", { scope: "col" }, transports[cell.transport])]);
  byId("contrast").replaceChildren(
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "engine"), ...headings)), element("tbody", {}, ...body));
}
