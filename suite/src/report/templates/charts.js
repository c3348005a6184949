// --- charts, each drawn from the same tables and trials as everything else ---------------------------------------

const usable = (entry) => entry.status === "measured" && entry.value > 0;
const byCell = (key) => cells.findIndex((cell) => cellKey(cell) === key);
const countText = (n) => n >= 1e6 ? `${digits(n / 1e6).replace(/\.0$/, "")} M` : n >= 1e4 && n % 1000 === 0 ? `${n / 1000} k` : String(n);

// Transport and one axis fixed, the other varies: [{ axis, key, columns: [{ cell, column }] }], the longest first.
function sweeps(filter) {
  const found = [];
  for (const axis of ["connections", "payload_bytes"]) {
    const fixed = axis === "connections" ? "payload_bytes" : "connections";
    const sets = new Map();
    cells.forEach((cell, column) => {
      if (!filter(cell)) return;
      const key = `${transports[cell.transport]}, ${fixed === "payload_bytes" ? `${cell.payload_bytes} B` : `${countText(cell.connections)} connections`}`;
      sets.set(key, [...(sets.get(key) ?? []), { cell, column }]);
    });
    for (const [key, columns] of sets) found.push({ axis, key, columns: columns.sort((a, b) => a.cell[axis] - b.cell[axis]) });
  }
  return found.sort((a, b) => b.columns.length - a.columns.length);
}

const axisText = (axis) => axis === "connections" ? countText : (n) => `${countText(n)} B`;
const axisTitle = (axis) => axis === "connections" ? "connections" : "payload";

function lineOf(table, row, sweep) {
  return { label: names[row], colour: colours[row], points: sweep.columns.map(({ cell, column }) => ({ x: cell[sweep.axis], entry: table.rows[row].entries[column] }))
    .filter(({ entry }) => usable(entry)).map(({ x, entry }) => ({ x, y: entry.value, lo: entry.interval?.lo, hi: entry.interval?.hi })) };
}

function drawCurve() {
  const table = currentTable();
  const sweep = sweeps(shown).find(({ columns }) => columns.length >= 2);
  byId("curve-section").hidden = byId("multiples-section").hidden = !sweep;
  if (!sweep) return;
  const heading = `${table.title} along ${axisTitle(sweep.axis)} (${sweep.key})`;
  byId("curve-title").textContent = heading;
  const lines = visibleRows().map((row) => lineOf(table, row, sweep));
  const yText = (y) => compact(y, table.unit);
  const xText = axisText(sweep.axis);
  byId("curve").replaceChildren(plot({ title: heading, xTitle: `${axisTitle(sweep.axis)} (bars: 95 % intervals)`, lines, xText, yText, width: roomFor("curve") }));
  byId("multiples").replaceChildren(...visibleRows().map((row) => {
    const own = { ...lineOf(table, row, sweep) };
    const others = lines.filter((line) => line.label !== names[row]).map((line) => ({ ...line, colour: "currentColor", faint: true }));
    const small = own.points.length ? plot({ title: `${names[row]}: ${heading}`, lines: [...others, own], xText, yText, width: 260, height: 150, bare: true }) : nothing("no valid value");
    return element("figure", {}, element("figcaption", {}, engineLabel(row)), small);
  }));
}

// The cell that the charts of one cell show: the one chosen, or the middle of the longest sweep.
function chartCell() {
  const chosen = byCell(state.at);
  if (chosen >= 0) return chosen;
  if (data.rates.length) return data.rates[0].cell;
  const columns = sweeps((cell) => cell.transport === "tcp")[0]?.columns ?? sweeps(() => true)[0]?.columns ?? [{ column: 0 }];
  return columns[Math.floor(columns.length / 2)].column;
}

const percentiles = [1, 2, 10, 100, 1000, 10000, 100000];
const percentileText = (nines) => percentiles.includes(nines) ? `${+(100 - 100 / nines).toFixed(5)} %` : `${(100 - 100 / nines).toFixed(Math.max(1, Math.ceil(Math.log10(nines))))} %`;

// Back from the logarithms, in steps of 1 %, of which only the differences are kept.
function unpacked(curve, steps) {
  let level = 0;
  return curve.map((difference, step) => { level += difference; return { x: 10 ** (step / steps), y: Math.max(1, Math.exp(level / 100)) }; });
}

function drawCell() {
  const place = chartCell();
  const choices = cells.map((cell) => [cellKey(cell), cellText(cell)]);
  const select = byId("at");
  select.replaceChildren(...choices.map(([value, text]) => element("option", { value }, text)));
  select.value = cellKey(cells[place]);
  select.onchange = () => set({ at: select.value, cell: "", trial: "" });
  const lines = visibleRows().map((row) => ({ label: names[row], colour: colours[row], points: unpacked(data.curves[row][place], 10) }));
  byId("percentiles").replaceChildren(plot({ title: `Response time by percentile, ${cellText(cells[place])}`, xTitle: "share of requests that were answered sooner", lines, dots: false,
    xText: percentileText, yText: (y) => compact(y, "nanoseconds"), xTicks: percentiles, width: roomFor("percentiles") }));
  drawCpu(place);
  drawRates(place);
}

const openLoads = (row, place) => trials.filter((trial) => trial.variant === row && trial.cell === place && !trial.twin && trial.reasons[0] === undefined)
  .flatMap((trial) => trial.loads.filter((load) => load.mode === "open").slice(0, 1));

function drawCpu(place) {
  const table = analysis.tables[0];
  let coarse = Infinity;
  const rows = visibleRows().flatMap((row) => {
    const entry = table.rows[row].entries[place];
    if (entry.value === null || !(entry.value > 0)) return [];
    const loads = openLoads(row, place);
    const sum = (fact) => loads.reduce((total, load) => total + load.facts[fact], 0);
    const [user, system] = [sum(2), sum(3)];
    if (user + system === 0) return [];
    const count = (user + system) / 1e4;
    coarse = Math.min(coarse, count);
    const share = user / (user + system);
    const doubt = usable(entry) ? "" : " (not valid)";
    return [{ row, faint: !usable(entry), parts: [entry.value * share, entry.value * (1 - share)], title: `split by ${Math.round(count)} clock ticks over ${loads.length} blocks\n${explain(entry, table).join("\n")}`,
      text: `${compact(entry.value, table.unit)}: ${Math.round(share * 100)} % user${doubt}` }];
  });
  byId("cpu-caption").textContent = `${cellText(cells[place])}. The sum is exact (schedstat); the split comes from the kernel's clock ticks over all blocks that count${Number.isFinite(coarse) && coarse < 400 ? `, here as few as ${Math.round(coarse)} of them: ± ${Math.round(100 / Math.sqrt(Math.max(1, coarse)))} points` : ""}.`;
  byId("cpu").replaceChildren(stacked("Server CPU per frame, user and system", ["user", "system"], rows, "nanoseconds"));
}

const median = (values) => { const sorted = [...values].sort((a, b) => a - b); return sorted.length ? (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2 : null; };

// Rate against latency: every step of a peak search, and every load at a fixed rate.
function drawRates(place) {
  const own = data.rates.filter((found) => found.cell === place && visibleRows().includes(found.variant));
  const lines = visibleRows().map((row) => ({ label: names[row], colour: colours[row],
    points: own.filter((found) => found.variant === row).flatMap((found) => found.points).filter(([, ns]) => ns > 0).map(([x, y]) => ({ x, y })).sort((a, b) => a.x - b.x) }))
    .filter((line) => line.points.length >= 2);
  byId("rates-section").hidden = lines.length === 0;
  if (lines.length === 0) return;
  const slo = own.find((found) => found.slo_ns);
  const bounds = own.filter((found) => found.lower_per_s).map((found) => ({ lo: found.lower_per_s, hi: found.upper_per_s ?? found.lower_per_s * 1.01, x: found.lower_per_s, colour: colours[found.variant] }));
  byId("rates").replaceChildren(plot({ title: `Response time p99 by offered rate, ${cellText(cells[place])}`, xTitle: "offered frames per second (bands: bounds of the peak)", lines,
    xText: (x) => compact(x, "frames_per_second"), xTicks: ticks(...span(lines.flatMap((line) => line.points.map((p) => p.x)))), yText: (y) => compact(y, "nanoseconds"), width: roomFor("rates"),
    marks: [...bounds, ...(slo ? [{ y: slo.slo_ns, label: `goal: ${slo.slo}` }] : [])] }));
}

// Server, its buffers and the kernel's share for each connection; and all of it for as many as the reader asks about.
function drawMemory() {
  const part = (name) => analysis.slopes.find((table) => table.key === `memory_${name}_per_connection_bytes`);
  const user = part("user");
  byId("memory-section").hidden = byId("many-section").hidden = !user;
  if (!user) return;
  const wanted = user.columns.findIndex((column) => slopeKey(column) === state.memory);
  const place = wanted >= 0 ? wanted : Math.max(0, user.columns.findIndex((column) => column.transport === "tcp" && column.state === "used"));
  const select = byId("memory-state");
  select.replaceChildren(...user.columns.map((column) => element("option", { value: slopeKey(column) }, slopeText(column))));
  select.value = slopeKey(user.columns[place]);
  select.onchange = () => set({ memory: select.value });
  const value = (name, row) => Math.max(0, part(name)?.rows[row].entries[place].value ?? 0);
  const rows = visibleRows().flatMap((row) => {
    const entry = user.rows[row].entries[place];
    if (entry.value === null) return [];
    const buffers = Math.min(value("buffers", row), value("user", row));
    const doubt = usable(entry) ? "" : " (indicative)";
    return [{ row, faint: !usable(entry), parts: [value("user", row) - buffers, value("kernel", row), buffers], title: explain(entry, user).join("\n"), doubt }];
  });
  const sum = ({ parts }) => parts.reduce((total, part) => total + part, 0);
  byId("memory").replaceChildren(stacked("Memory per connection", ["server", "kernel, its endpoint", "protocol buffers"],
    rows.map((row) => ({ ...row, text: `${compact(row.parts[0] + row.parts[2], "bytes")} + ${compact(row.parts[1], "bytes")} kernel${row.doubt}` })), "bytes"));
  const many = Math.max(1, Math.min(1e9, Math.round(Number(state.many)) || 100000));
  const input = byId("many");
  if (document.activeElement !== input) input.value = String(many);
  input.onchange = () => set({ many: input.value });
  const least = Math.min(...rows.map(sum));
  byId("many-bars").replaceChildren(stacked(`Memory of ${many} connections`, ["server", "kernel, its endpoints", "protocol buffers"],
    [...rows].sort((a, b) => sum(a) - sum(b)).map((row) => ({ ...row, parts: row.parts.map((part) => part * many), text: `${compact(sum(row) * many, "bytes")}${sum(row) > least ? `, ${ratioText(sum(row) / least)}×` : ""}${row.doubt}` })), "bytes"));
}

// Who leads in each cell of one transport, and where the lead changes hands.
function drawMap() {
  const table = currentTable();
  const transport = state.transport || (cells.some((cell) => cell.transport === "tcp") ? "tcp" : cells[0].transport);
  const fields = cells.map((cell, column) => ({ cell, column })).filter(({ cell }) => cell.transport === transport);
  const xs = distinct(fields.map(({ cell }) => cell.connections)).sort((a, b) => a - b);
  const ys = distinct(fields.map(({ cell }) => cell.payload_bytes)).sort((a, b) => a - b);
  byId("map-section").hidden = fields.length < 2;
  byId("map-title").textContent = `Who leads: ${table.title}, ${transports[transport]}`;
  const [width, left, rowHeight] = [roomFor("map"), 76, 44];
  const column = (width - left - 12) / xs.length;
  const height = 10 + rowHeight * ys.length + 42;
  const map = svg("svg", { class: "live", viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": `Leaders of ${table.title} by connections and payload` });
  const group = (place) => names.map((_, row) => row).filter((row) => ["best", "leading", "tie", "alone"].includes(table.rows[row].entries[place].standing?.verdict));
  // Between the middles of two columns the axis is logarithmic.
  const along = (values, size, start) => (value) => {
    const next = values.findIndex((x) => x >= value);
    if (next <= 0) return start + size * (next < 0 ? values.length - 0.5 : 0.5);
    return start + size * (next - 0.5 + Math.log(value / values[next - 1]) / Math.log(values[next] / values[next - 1]));
  };
  const [atX, atY] = [along(xs, column, left), along(ys, rowHeight, 10)];
  const leaders = new Set();
  for (const { cell, column: place } of fields) {
    const [x, y] = [left + column * xs.indexOf(cell.connections), 10 + rowHeight * ys.indexOf(cell.payload_bytes)];
    const ahead = group(place);
    const one = ahead.length === 1 ? ahead[0] : null;
    ahead.forEach((row) => leaders.add(row));
    const words = one !== null ? names[one] : ahead.length ? `tie: ${ahead.map((row) => names[row]).join(", ")}` : table.rows.some((row) => row.entries[place].status === "measured") ? "undecided" : "no valid value";
    const open = () => set({ at: cellKey(cell), metric: table.key, connections: "", payload: "", cell: `${one ?? ahead[0] ?? 0}.${cellKey(cell)}`, trial: "" });
    const tile = svg("g", { class: "tile", tabindex: "0", role: "button", "aria-label": `${cellText(cell)}: ${words}` });
    tile.append(svg("rect", { class: ahead.length > 1 ? "even" : "open", x: x + 1, y: y + 1, width: column - 2, height: rowHeight - 2, rx: 3, ...(one !== null ? { style: `fill:${colours[one]};fill-opacity:.45` } : {}) }));
    const short = one !== null ? names[one] : ahead.length ? `tie of ${ahead.length}` : "open";
    const text = short.length * 7 < column - 6 ? short : short.length * 7 / 2 < column - 6 && short.includes("/") ? short.split("/")[1] : "";
    if (text) tile.append(svg("text", { x: x + column / 2, y: y + rowHeight / 2 + 4, "text-anchor": "middle" }, text));
    tile.append(svg("title", {}, `${cellText(cell)}: ${words}`));
    tile.addEventListener("click", open);
    tile.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(); } });
    map.append(tile);
  }
  const label = (x, y, anchor, content) => map.append(svg("text", { class: "soft", x, y, "text-anchor": anchor }, content));
  ys.forEach((payload, i) => label(left - 8, 10 + rowHeight * (i + 0.5) + 4, "end", `${payload} B`));
  const every = Math.ceil(Math.max(...xs.map((x) => countText(x).length)) * 7.5 / column);
  xs.forEach((x, i) => { if (i % every === 0) label(left + column * (i + 0.5), 10 + rowHeight * ys.length + 16, "middle", countText(x)); });
  label(left + column * xs.length / 2, height - 6, "middle", "connections");
  const found = crossings(table, transport, fields, group);
  for (const { axis, fixed, at, lo, hi } of found) {
    if (axis === "connections" && ys.includes(fixed)) {
      const y = 10 + rowHeight * ys.indexOf(fixed);
      map.append(svg("rect", { class: "band", x: atX(lo), y: y + 3, width: Math.max(2, atX(hi) - atX(lo)), height: rowHeight - 6 }));
      if (at) map.append(svg("line", { class: "cross", x1: atX(at), x2: atX(at), y1: y + 1, y2: y + rowHeight - 1 }));
    } else if (xs.includes(fixed)) {
      const x = left + column * xs.indexOf(fixed);
      map.append(svg("rect", { class: "band", x: x + 3, y: atY(lo), width: column - 6, height: Math.max(2, atY(hi) - atY(lo)) }));
      if (at) map.append(svg("line", { class: "cross", x1: x + 1, x2: x + column - 1, y1: atY(at), y2: atY(at) }));
    }
  }
  const key = [...leaders].sort((a, b) => a - b).map((row) => element("li", {}, engineLabel(row)));
  byId("map").replaceChildren(map, element("ul", { class: "key" }, ...key, element("li", {}, element("span", { class: "swatch even" }), "not told apart")),
    ...(found.length ? [element("ul", {}, ...found.map((one) => element("li", {}, one.words)))] : []));
}

// Changes of the lead between neighbouring cells: crossovers of a leader on one side with a leader on the other.
function crossings(table, transport, fields, group) {
  const found = [];
  for (const lines of analysis.lines.filter((lines) => lines.key === table.key)) {
    const axis = lines.along === "connections" ? "connections" : "payload_bytes";
    const fixedAxis = axis === "connections" ? "payload_bytes" : "connections";
    lines.lines.forEach((line, which) => {
      if (line.transport !== transport) return;
      const leads = (x, row) => fields.some(({ cell, column }) => cell[axis] === x && cell[fixedAxis] === line.fixed && group(column).includes(row));
      for (const pair of lines.pairs) {
        const rows = { first: pair.first, second: pair.second };
        const lead = pair.findings[which].lead;
        const changes = lead.crossings?.map((c) => ({ from: c.from, at: c.at, ...c.interval })) ?? (lead.between ? [{ ...lead.between, at: null }] : []);
        for (const { from, at, lo, hi } of changes) {
          const [before, after] = [rows[from], rows[from === "first" ? "second" : "first"]];
          const below = line.xs.filter((x) => x < (at ?? hi)).at(-1), above = line.xs.find((x) => x > (at ?? lo));
          if (!leads(below, before) || !leads(above, after)) continue;
          const unit = axis === "connections" ? "connections" : "B";
          const where = at ? `at ${place(at)} ${unit} [${place(lo)}, ${place(hi)}]` : `between ${lo} and ${hi} ${unit}`;
          const beside = axis === "connections" ? `${line.fixed} B` : `${line.fixed} connections`;
          found.push({ axis, fixed: line.fixed, at, lo, hi, words: `${names[after]} overtakes ${names[before]} ${where} (${beside})` });
        }
      }
    });
  }
  return found;
}
