// --- the dialog: a cell and its trials, or one trial ------------------------------------------------------------

function list(items) { return element("ul", {}, ...items.map((item) => element("li", {}, item))); }

// A peak is the outcome of a search, and no value of a trial.
const outcome = (trial, metric) => ({ value: trial.values[metric] ?? null, reason: words[trial.reasons[metric]] });
const heads = (...texts) => element("thead", {}, element("tr", {}, ...texts.map((text) => element("th", { scope: "col" }, text))));
const scrolled = (name, table) => element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name }, table);

function trialRows(own, metric, unit) {
  const body = own.map((trial) => {
    const { value, reason } = outcome(trial, metric);
    return element("tr", {},
      element("td", {}, element("button", { type: "button", onclick: () => set({ trial: String(trial.trial) }) }, `trial ${trial.trial}`)),
      element("td", {}, cellText(cells[trial.cell])), element("td", {}, String(trial.block)), element("td", {}, trial.twin ? "A/A twin" : ""),
      element("td", {}, value === null ? "—" : compact(value, unit)), element("td", { class: "left" }, reason ?? ""));
  });
  return scrolled("Trials", element("table", {}, heads("", "cell", "block", "", "value", "why it does not count"), element("tbody", {}, ...body)));
}

function cellDetail(row, key) {
  const table = currentTable();
  const metric = analysis.tables.indexOf(table);
  const cell = byCell(key);
  const entry = table.rows[row].entries[cell];
  const own = trials.filter((trial) => trial.variant === row && trial.cell === cell);
  return [element("h2", { id: "detail-title" }, `${names[row]}, ${cellText(cells[cell])}`), element("p", {}, table.title), list(explain(entry, table)), trialRows(own, metric, table.unit)];
}

function slopeDetail(row, key, column) {
  const table = analysis.slopes.find((found) => found.key === key);
  const { transport, payload_bytes: payload } = table.columns[column];
  const own = trials.filter((trial) => trial.variant === row && cells[trial.cell].transport === transport && (payload === null || cells[trial.cell].payload_bytes === payload));
  return [element("h2", { id: "detail-title" }, `${names[row]}, ${slopeText(table.columns[column])}`), element("p", {}, `${table.title}: ${table.formula}`),
    list(explain(table.rows[row].entries[column], table)), trialRows(own, analysis.tables.findIndex((found) => found.key === "memory_user_bytes"), "bytes")];
}

const factText = (value, unit) => unit === "ns" ? compact(value * 1000, "nanoseconds") : unit === "bytes" ? compact(value * 1000, "bytes") : String(Number.isInteger(value) ? value : digits(value));

function loadDetail(load, trial) {
  const parts = [element("h3", {}, load.at ? `At ${rungText(load.at)}` : { open: "At the fixed rate", saturate: "At saturation", hold: "Held" }[load.mode] ?? load.mode)];
  parts.push(load.gates.length ? element("p", {}, "Gates that tripped:") : element("p", {}, "Gates: none tripped."), ...(load.gates.length ? [list(load.gates.map((word) => words[word]))] : []));
  const width = Math.min(860, innerWidth - 90);
  const curves = Object.entries(load.curves).filter(([, curve]) => curve.length > 1);
  if (curves.length) {
    const inks = { response: colours[trial.variant], service: "#7f8c9b", lag: "#b08d57" };
    const texts = { response: "response", service: "service", lag: "client's lag" };
    parts.push(element("h4", {}, "Latency by percentile"), plot({ title: "Latency by percentile", xTitle: "share of requests that were faster", width, dots: false, xText: percentileText, xTicks: percentiles, yText: (y) => compact(y, "nanoseconds"),
      lines: curves.map(([name, curve]) => ({ label: texts[name], colour: inks[name], dashed: name !== "response", points: unpacked(curve, 5) })) }));
  }
  const series = (name, values, unit, step) => {
    if (values.length < 2 || values.every((value) => value === 0)) return;
    parts.push(element("h4", {}, name), plot({ title: name, xTitle: step, width, height: 200, xEven: true, xText: String, yText: (y) => compact(y, unit),
      lines: [{ label: name.split(",")[0], colour: colours[trial.variant], points: values.map((y, i) => ({ x: i + 1, y: Math.max(1, y) })) }] }));
  };
  series("Replies, each second", load.frames_by_second, "frames_per_second", "second of the window");
  series("Lag p99, each quarter", load.lag_p99_ns_by_quarter, "nanoseconds", "quarter of the window");
  const rows = data.load_facts.map(([name, unit], i) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, factText(load.facts[i], unit))));
  parts.push(element("details", {}, element("summary", {}, "Evidence: what was counted in the window"), element("table", {}, element("tbody", {}, ...rows))));
  return parts;
}

// The steps of a search, in their order.
function stepsDetail(trial) {
  if (!trial.steps) return [];
  const goals = analysis.peaks.goals.map(({ goal }) => `lost, ${goal.deadline_us} µs`);
  const rows = trial.steps.map((step) => element("tr", {}, element("td", {}, step.role), element("td", {}, compact(step.rate_per_s, "frames_per_second")), element("td", {}, compact(step.duration_ns, "nanoseconds")),
    ...[step.p50_ns, step.p99_ns].map((ns) => element("td", {}, ns === null ? "∞" : compact(ns, "nanoseconds"))), ...step.losses.map((loss) => element("td", {}, `${digits(loss * 100)} %`)), element("td", { class: "left" }, step.blame ?? "")));
  return [element("h3", {}, "The search, step by step"), scrolled("Steps", element("table", {}, heads("step", "offered", "window", "p50", "p99", ...goals, "held back by"), element("tbody", {}, ...rows)))];
}

function environmentDetail(trial) {
  const sessions = data.environment;
  const session = sessions.filter((session) => session.before.unix_ms <= trial.started_unix_ms).at(-1) ?? sessions[0];
  if (!session) return [];
  const text = (value) => value === null ? "unknown" : typeof value === "object" ? Object.entries(value).map(([name, of]) => `${name} = ${of}`).join("\n") : String(value);
  const rows = Object.entries(session.before).filter(([name]) => name !== "unix_ms").map(([name, value]) => {
    const after = session.after?.[name];
    const changed = after !== undefined && text(after) !== text(value) && typeof value !== "object" ? ` → ${text(after)}` : "";
    return element("tr", {}, element("th", { scope: "row" }, name.replaceAll("_", " ")), element("td", { class: "left pre" }, text(value) + changed));
  });
  return [element("details", {}, element("summary", {}, "Environment, before → after"), scrolled("Environment", element("table", {}, element("tbody", {}, ...rows))))];
}

function trialDetail(trial) {
  const when = new Date(trial.started_unix_ms).toISOString().replace("T", " ").slice(0, 19);
  const parts = [element("h2", { id: "detail-title" }, `Trial ${trial.trial}: ${names[trial.variant]}, ${cellText(cells[trial.cell])}`),
    element("p", { class: "caption" }, `block ${trial.block}${trial.twin ? ", the A/A twin" : ""}, started ${when} UTC, took ${compact(trial.elapsed_ms * 1e6, "nanoseconds")}`)];
  if (trial.failure) parts.push(element("p", {}, trial.failure[0]), element("pre", {}, trial.failure.slice(1).join("\n")));
  parts.push(...stepsDetail(trial));
  for (const load of trial.loads) parts.push(...loadDetail(load, trial));
  const metrics = analysis.tables.map((table, metric) => ({ table, ...outcome(trial, metric) })).filter(({ value, reason }) => value !== null || reason);
  parts.push(element("h3", {}, "What it yielded"), scrolled("Metrics", element("table", {}, element("tbody", {}, ...metrics.map(({ table, value, reason }) => element("tr", {},
    element("th", { scope: "row" }, table.title), element("td", {}, value === null ? "—" : compact(value, table.unit)), element("td", { class: "left" }, reason ? `does not count: ${reason}` : "")))))));
  if (trial.memory.length) {
    const rows = data.memory_facts.map(([name, unit], i) => element("tr", {}, element("th", { scope: "row" }, name), ...trial.memory.map((memory) => element("td", {}, factText(memory.facts[i], unit)))));
    parts.push(element("h3", {}, "Memory"), scrolled("Memory", element("table", {}, heads("", ...trial.memory.map((memory) => memory.state)), element("tbody", {}, ...rows))));
  }
  parts.push(element("h3", {}, "Exact commands"), ...trial.commands.map(([role, ...argv]) => element("pre", {}, `# ${words[role]}\n${argv.map((word) => words[word]).join(" ")}`)));
  if (trial.options.length) parts.push(element("details", {}, element("summary", {}, "What the engine said of itself"), element("pre", {}, trial.options.map((word) => words[word]).join("\n"))));
  parts.push(...environmentDetail(trial));
  return parts;
}

// What a cell of the dialog's state names: `row.cell` or `row.slope table.column`.
function known() {
  const [row, key, column] = state.cell.split(".");
  if (row === "" || names[Number(row)] === undefined) return null;
  if (column === undefined) return byCell(key) >= 0 ? cellDetail(Number(row), key) : null;
  return analysis.slopes.find((table) => table.key === key)?.columns[Number(column)] ? slopeDetail(Number(row), key, Number(column)) : null;
}

function drawDetail() {
  const dialog = byId("detail");
  const trial = state.trial === "" ? undefined : trials.find((found) => String(found.trial) === state.trial);
  const cell = known();
  if (!trial && !cell) { if (dialog.open) dialog.close(); return; }
  const close = element("button", { type: "button", class: "close", onclick: () => dialog.close() }, "Close");
  const back = trial && cell ? element("button", { type: "button", onclick: () => set({ trial: "" }) }, "← all trials of the cell") : "";
  byId("detail-body").replaceChildren(close, back, ...(trial ? trialDetail(trial) : cell));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

// A remark that is too long to hover over.
function note(title, lines) {
  byId("detail-body").replaceChildren(element("button", { type: "button", class: "close", onclick: () => byId("detail").close() }, "Close"), element("h2", { id: "detail-title" }, title), list(lines));
  byId("detail").showModal();
}

byId("detail").addEventListener("close", () => { if (state.cell || state.trial) set({ cell: "", trial: "" }); });
byId("detail").addEventListener("click", (event) => { if (event.target === byId("detail")) byId("detail").close(); });

// --- all of it -------------------------------------------------------------------------------------------------

function draw() {
  // What had the focus is made anew: whoever uses the keyboard goes on from where they are.
  const focused = document.activeElement?.dataset.focus;
  if (state.theme) document.documentElement.dataset.theme = state.theme;
  else delete document.documentElement.dataset.theme;
  drawControls();
  drawValues();
  drawMemory();
  drawCurve();
  drawMap();
  drawCell();
  drawRungs();
  drawLeads();
  drawSlopes();
  drawContrast();
  if (focused) document.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
  drawDetail();
}

byId("theme").addEventListener("click", () => {
  const dark = state.theme ? state.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  set({ theme: dark ? "light" : "dark" });
});
addEventListener("hashchange", () => { readHash(); draw(); });
let resized;
addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(draw, 100); });
readHash();
draw();
