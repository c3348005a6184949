// --- the curve along connections -------------------------------------------------------------------------------

function ticks(lo, hi) {
  const found = [];
  for (let power = Math.floor(Math.log10(lo)); power <= Math.ceil(Math.log10(hi)); power += 1)
    for (const step of [1, 2, 5]) { const tick = step * 10 ** power; if (tick >= lo * 0.999 && tick <= hi * 1.001) found.push(tick); }
  if (found.length >= 3) return found.length <= 9 ? found : found.filter((tick) => Number.isInteger(Math.round(Math.log10(tick) * 1e9) / 1e9));
  // Within a factor of five or so, even steps read better.
  const step = [1, 2, 5, 10].map((factor) => factor * 10 ** Math.floor(Math.log10((hi - lo) / 5))).find((width) => (hi - lo) / width <= 6);
  const even = [];
  for (let tick = Math.ceil(lo / step) * step; tick <= hi; tick += step) even.push(tick);
  return even;
}

// A chart of lines with log axes. `lines`: [{ label, colour, points: [{ x, y, lo, hi }] }].
function lineChart(title, lines, xText, yText, xTicks) {
  const [width, height, left, right, top, bottom] = [860, 340, 76, 150, 12, 44];
  const points = lines.flatMap((line) => line.points);
  const chart = svg("svg", { class: "live", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title });
  if (points.length === 0) { chart.append(svg("text", { x: 20, y: 40 }, "nothing to draw: no valid value")); return chart; }
  const range = (values) => { const lo = Math.min(...values), hi = Math.max(...values); return lo === hi ? [lo / 1.2, hi * 1.2] : [lo, hi]; };
  const [x0, x1] = range(points.map((p) => Math.max(1, p.x)));
  const [low, high] = range(points.flatMap((p) => [p.lo ?? p.y, p.hi ?? p.y]));
  const [y0, y1] = [low / 1.05, high * 1.05];
  const atX = (x) => left + (width - left - right) * Math.log(Math.max(1, x) / x0) / Math.log(x1 / x0);
  const atY = (y) => height - bottom - (height - top - bottom) * Math.log(y / y0) / Math.log(y1 / y0);
  for (const tick of ticks(y0, y1)) {
    chart.append(svg("line", { class: "axis", x1: left, x2: width - right, y1: atY(tick), y2: atY(tick) }));
    chart.append(svg("text", { class: "soft", x: left - 8, y: atY(tick) + 4, "text-anchor": "end" }, yText(tick)));
  }
  for (const tick of xTicks ?? distinct(points.map((p) => p.x))) {
    if (tick < x0 || tick > x1) continue;
    chart.append(svg("text", { class: "soft", x: atX(tick), y: height - bottom + 18, "text-anchor": "middle" }, xText(tick)));
  }
  chart.append(svg("text", { class: "soft", x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, title));
  // Labels stand at the end of their lines, pushed apart so that none covers another.
  const labels = [];
  for (const line of lines.filter((line) => line.points.length)) {
    const path = line.points.map((p, i) => `${i ? "L" : "M"}${atX(p.x).toFixed(1)} ${atY(p.y).toFixed(1)}`).join("");
    chart.append(svg("path", { d: path, fill: "none", stroke: line.colour, "stroke-width": 2 }));
    for (const p of line.points.filter(() => line.points.length < 20)) {
      if (p.lo) chart.append(svg("line", { x1: atX(p.x), x2: atX(p.x), y1: atY(p.lo), y2: atY(p.hi), stroke: line.colour, "stroke-width": 1.5 }));
      const dot = svg("circle", { cx: atX(p.x), cy: atY(p.y), r: 3.5, fill: line.colour });
      dot.append(svg("title", {}, `${line.label}: ${yText(p.y)} at ${xText(p.x)}`));
      chart.append(dot);
    }
    labels.push({ y: atY(line.points.at(-1).y), line });
  }
  labels.sort((a, b) => a.y - b.y);
  labels.forEach((label, i) => { if (i) label.y = Math.max(label.y, labels[i - 1].y + 15); });
  const over = labels.length ? Math.max(0, labels.at(-1).y - (height - bottom)) : 0;
  for (const { y, line } of labels) {
    chart.append(svg("rect", { x: width - right + 10, y: y - over - 5, width: 9, height: 9, rx: 2, fill: line.colour }));
    chart.append(svg("text", { x: width - right + 24, y: y - over + 4 }, line.label));
  }
  return chart;
}

function drawCurve() {
  const table = currentTable();
  const sets = ["connections", "payload_bytes"].map((axis) => {
    const fixed = axis === "connections" ? "payload_bytes" : "connections";
    const lines = new Map();
    table.columns.forEach((cell, column) => {
      if (state.transport && cell.transport !== state.transport) return;
      if (state[fixed === "payload_bytes" ? "payload" : "connections"] && String(cell[fixed]) !== state[fixed === "payload_bytes" ? "payload" : "connections"]) return;
      const key = `${transports[cell.transport]}, ${fixed === "payload_bytes" ? `${cell.payload_bytes} B` : `${cell.connections} connections`}`;
      lines.set(key, [...(lines.get(key) ?? []), { cell, column }]);
    });
    return [...lines].map(([key, columns]) => ({ axis, key, columns }));
  }).flat().sort((a, b) => b.columns.length - a.columns.length);
  const best = sets[0];
  const drawn = best && best.columns.length >= 2;
  byId("curve-title").textContent = drawn ? `${table.title} along ${best.axis === "connections" ? "connections" : "payload"} (${best.key})` : "";
  if (!drawn) { byId("curve").replaceChildren(); return; }
  const lines = visibleRows().map((row) => ({
    label: names[row], colour: colours[row],
    points: best.columns.map(({ cell, column }) => ({ cell, entry: table.rows[row].entries[column] }))
      .filter(({ entry }) => entry.status === "measured" && entry.value > 0)
      .map(({ cell, entry }) => ({ x: cell[best.axis], y: entry.value, lo: entry.interval?.lo, hi: entry.interval?.hi }))
      .sort((a, b) => a.x - b.x),
  }));
  const title = best.axis === "connections" ? "connections (bars: 95 % intervals)" : "payload in bytes (bars: 95 % intervals)";
  byId("curve").replaceChildren(lineChart(title, lines, String, (y) => compact(y, table.unit)));
}

// --- the dialog: a cell's trials, and one trial ----------------------------------------------------------------

function list(items) { return element("ul", {}, ...items.map((item) => element("li", {}, item))); }

function cellDetail(row, key) {
  const table = currentTable();
  const column = table.columns.findIndex((cell) => cellKey(cell) === key);
  const entry = table.rows[row].entries[column];
  const own = trials.filter((trial) => trial.variant === row && cellKey(trial.cell) === key);
  const body = own.map((trial) => {
    const outcome = trial.values[table.key];
    const value = outcome.value === null ? "—" : compact(outcome.value, table.unit);
    return element("tr", {},
      element("td", {}, element("button", { type: "button", onclick: () => set({ trial: String(trial.trial) }) }, `trial ${trial.trial}`)),
      element("td", {}, String(trial.block)), element("td", {}, trial.twin ? "A/A twin" : ""), element("td", {}, value),
      element("td", { class: "left" }, outcome.reason ?? ""));
  });
  const heads = ["", "block", "", "value", "why it does not count"].map((text) => element("th", {}, text));
  return [element("h2", { id: "detail-title" }, `${names[row]}, ${cellText(table.columns[column])}`),
    element("p", {}, `${table.title}: ${entry.value === null ? "—" : compact(entry.value, table.unit)}${intervalText(entry.interval, table.unit)}`),
    entry.reasons.length ? list(entry.reasons.map((x) => `${x.reason.kind}: ${x.reason.detail} (${x.blocks} blocks)`)) : "",
    element("div", { class: "scroll" }, element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...body)))];
}

const quantileText = (nines) => `${digits(100 - 100 / nines)} %`;

function trialDetail(trial) {
  const parts = [element("h2", { id: "detail-title" }, `Trial ${trial.trial}: ${names[trial.variant]}, ${cellText(trial.cell)}, block ${trial.block}`)];
  if (trial.failure) parts.push(element("p", {}, `Failed in ${trial.failure.stage}: ${trial.failure.error}`), element("pre", {}, trial.failure.stderr_tail.join("\n")));
  for (const load of trial.loads) {
    parts.push(element("h3", {}, load.mode === "open" ? "At the fixed rate" : "At saturation"));
    parts.push(load.gates.length ? list(load.gates.map((gate) => `${gate.gate}: ${gate.detail}`)) : element("p", {}, "No gate tripped."));
    parts.push(element("p", {}, `${load.frames_ok} frames verified, ${compact(load.rate_per_s, "frames_per_second")}; server CPU ${compact(load.server_cpu_ns, "nanoseconds")}, client CPU ${compact(load.client_cpu_ns, "nanoseconds")} in ${compact(load.duration_ns, "nanoseconds")}`));
    const curves = Object.entries(load.curves).filter(([, points]) => points.length);
    if (load.mode === "open" && curves.length) {
      const inks = { response: colours[trial.variant], service: "#7f8c9b", lag: "#b08d57" };
      const lines = curves.map(([label, points]) => ({ label, colour: inks[label], points: points.map(([x, y]) => ({ x, y: Math.max(1, y) })) }));
      parts.push(lineChart("share of requests that were faster", lines, quantileText, (y) => compact(y, "nanoseconds"), [1, 2, 10, 100, 1000, 10000, 100000]));
    }
  }
  const metrics = analysis.tables.filter((table) => trial.values[table.key].value !== null)
    .map((table) => `${table.title}: ${compact(trial.values[table.key].value, table.unit)}${trial.values[table.key].reason ? ` (not used: ${trial.values[table.key].reason})` : ""}`);
  parts.push(element("h3", {}, "All metrics"), list(metrics));
  parts.push(element("h3", {}, "Commands"), ...trial.commands.map((command) => element("pre", {}, `# ${command.role}\n${command.argv.join(" ")}`)));
  if (trial.options.length) parts.push(element("h3", {}, "Engine"), element("pre", {}, trial.options.join("\n")));
  return parts;
}

function drawDetail() {
  const dialog = byId("detail");
  const trial = state.trial === "" ? undefined : trials.find((found) => String(found.trial) === state.trial);
  const [row, key] = [state.cell.slice(0, state.cell.indexOf(".")), state.cell.slice(state.cell.indexOf(".") + 1)];
  const known = row !== "" && names[Number(row)] !== undefined && currentTable().columns.some((cell) => cellKey(cell) === key);
  if (!trial && !known) { if (dialog.open) dialog.close(); return; }
  const close = element("button", { type: "button", class: "close", onclick: () => dialog.close() }, "Close");
  const back = trial && known ? element("button", { type: "button", onclick: () => set({ trial: "" }) }, "← all trials of the cell") : "";
  byId("detail-body").replaceChildren(close, back, ...(trial ? trialDetail(trial) : cellDetail(Number(row), key)));
  if (!dialog.open) dialog.showModal();
}

byId("detail").addEventListener("close", () => { if (state.cell || state.trial) set({ cell: "", trial: "" }); });

// --- all of it -------------------------------------------------------------------------------------------------

function draw() {
  if (state.theme) document.documentElement.dataset.theme = state.theme;
  else delete document.documentElement.dataset.theme;
  drawControls();
  drawValues();
  drawCurve();
  drawLeads();
  drawSlopes();
  drawContrast();
  drawDetail();
}

byId("theme").addEventListener("click", () => {
  const dark = state.theme ? state.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  set({ theme: dark ? "light" : "dark" });
});
addEventListener("hashchange", () => { readHash(); draw(); });
readHash();
draw();
