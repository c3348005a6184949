// --- entries ---------------------------------------------------------------------------------------------------

const toneOf = { best: "best", leading: "near", tie: "near" };

function intervalText(interval, unit) {
  return interval ? ` [${compact(interval.lo, unit)}, ${compact(interval.hi, unit)}]` : "";
}

// Everything that can be said about a cell: what it rests on, why it is a tie or open, why blocks do not count.
function explain(entry, table) {
  const lines = [];
  if (entry.value !== null) lines.push(`${compact(entry.value, table.unit)}${intervalText(entry.interval, table.unit)}, ${entry.blocks} of ${context.blocks_asked} blocks count`);
  const kinds = { bound: "A bound: shown, not compared.", invalid: "Not valid: shown in brackets, not compared.", missing: "No value." };
  if (kinds[entry.status]) lines.push(kinds[entry.status]);
  const standing = entry.standing;
  if (standing) {
    const interval = standing.interval ? ` [${ratioText(standing.interval.lo)}, ${ratioText(standing.interval.hi)}]` : "";
    const times = `${ratioText(standing.ratio)} times the best${interval}`;
    const band = digits(Math.expm1(Math.max(table.floor.log_ratio ?? 0, Math.log(1.02))) * 100);
    lines.push({
      best: "The best, and every other is established to be behind.",
      leading: "The best value; at least one other is not told apart from it (≈).",
      tie: `A tie: ${times} does not leave the band of ±${band} % that is noise, so it is not told apart from the best.`,
      behind: `Behind: ${times}; the interval lies beyond ±${band} %.`,
      undetermined: `Open: ${standing.ratio === null ? "nothing to compare with" : times}; too few blocks in common with the best, or another's value is only a bound.`,
      alone: "No other variant has a value here.",
    }[standing.verdict]);
  }
  return [...lines, ...entry.reasons.map((x) => `${x.reason.kind.replaceAll("_", " ")}: ${x.reason.detail} (${x.blocks} ${x.blocks === 1 ? "block" : "blocks"})`)];
}

function entryCell(entry, table, mark, onclick, focus) {
  const standing = entry.standing;
  let text = entry.value === null ? "—" : compact(entry.value, table.unit);
  let tone = "faint";
  if (entry.status === "bound") text = `${table.better === "higher" ? "≥" : "≤"}${text}`;
  else if (entry.status === "invalid" && entry.value !== null) text = `(${text})`;
  else if (entry.status === "measured") tone = standing ? toneOf[standing.verdict] ?? "" : "";
  const title = explain(entry, table).join("\n");
  if (entry.reasons.length) text += " *";
  const inner = onclick ? element("button", { type: "button", title, onclick, "data-focus": `cell ${focus}` }, text) : element("span", { title }, text);
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
  const columns = table.columns.map((cell, column) => ({ cell, column })).filter(({ cell, column }) => shown(cell) && table.rows.some((row) => row.entries[column] !== nothingThere));
  const [sortKey, direction] = state.sort.split(".");
  const sortColumn = columns.find(({ cell }) => cellKey(cell) === sortKey);
  const rows = visibleRows();
  if (sortColumn) {
    // What does not count stands last, whichever way the others are sorted.
    const value = (row) => { const entry = table.rows[row].entries[sortColumn.column]; return entry.status === "measured" ? entry.value : null; };
    const sign = (table.better === "lower" ? 1 : -1) * (direction === "worst" ? -1 : 1);
    rows.sort((a, b) => (value(a) === null) - (value(b) === null) || sign * (value(a) - value(b)) || a - b);
  }
  const heading = ({ cell, column }) => {
    const key = cellKey(cell);
    const sorted = sortColumn && key === sortKey;
    const next = sorted && direction !== "worst" ? `${key}.worst` : key;
    const rate = table.mode === "open" && analysis.rates_per_s[column] !== null ? `\nat ${compact(Number(analysis.rates_per_s[column].toPrecision(2)), "frames_per_second").replace(".0 ", " ")}` : "";
    const ascending = (table.better === "lower") !== (direction === "worst");
    const text = `${transports[cell.transport]} ${cell.payload_bytes} B\n${cell.connections} conns${rate}`;
    return element("th", { scope: "col", "aria-sort": sorted ? (ascending ? "ascending" : "descending") : null },
      element("button", { type: "button", "data-focus": `sort ${key}`, onclick: () => set({ sort: next }) }, text));
  };
  const body = rows.map((row) => {
    const cells = columns.map(({ cell, column }) => {
      const entry = table.rows[row].entries[column];
      const td = entryCell(entry, table, standingMark(entry.standing), () => set({ cell: `${row}.${cellKey(cell)}`, trial: "" }), `${row}.${cellKey(cell)}`);
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
  const rows = (sets[0]?.pairs ?? []).map((pair, place) => ({ pair, place })).filter(({ pair }) => !off.has(names[pair.first]) && !off.has(names[pair.second]));
  const body = rows.map(({ pair, place }) => element("tr", {},
    element("th", { scope: "row" }, engineLabel(pair.first), " · ", engineLabel(pair.second)),
    ...columns.map((column) => {
      const finding = column.lines.pairs[place].findings[column.place];
      const [text, tone, title] = leadText(finding.lead, pair);
      // Points without a valid value are not part of the finding.
      const missing = column.line.xs.filter((x) => finding.points.every((p) => p.x !== x));
      const part = finding.points.length && missing.length ? ` without ${missing.join(" ")}` : "";
      const said = [text + part, title, ...finding.points.map((p) => `at ${p.x}: ${ratioText(p.ratio)} [${ratioText(p.interval.lo)}, ${ratioText(p.interval.hi)}] times better is ${names[pair.first]}${p.ahead ? "" : ", not told apart"}`)];
      return element("td", { class: tone, title }, element("button", { type: "button", onclick: () => note(`${names[pair.first]} and ${names[pair.second]}`, said) }, text + part));
    })));
  byId("leads").replaceChildren(
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "pair"), ...columns.map(heading))), element("tbody", {}, ...body));
}

const states = { connected: "never used", active: "active", used: "used, idle" };

const slopeKey = (column) => [column.transport, column.state, column.payload_bytes ?? "all"].join("-");
const slopeText = (column) => `${transports[column.transport]} ${column.payload_bytes === null ? "all payloads" : `${column.payload_bytes} B`}, ${states[column.state] ?? column.state}`;

function drawSlopes() {
  byId("slopes-section").hidden = analysis.slopes.length === 0;
  const button = (entry, table, row, place) => entryCell(entry, table, standingMark(entry.standing),
    () => set({ cell: `${row}.${table.key}.${place}`, trial: "" }), `${row}.${table.key}.${place}`);
  byId("slopes").replaceChildren(...analysis.slopes.flatMap((table) => {
    const body = visibleRows().map((row) => element("tr", {}, element("th", { scope: "row" }, engineLabel(row)),
      ...table.rows[row].entries.map((entry, place) => button(entry, table, row, place))));
    const made = element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "engine"),
      ...table.columns.map((column) => element("th", { scope: "col" }, slopeText(column))))), element("tbody", {}, ...body));
    return [element("h3", {}, table.title), element("p", { class: "caption" }, table.formula),
      element("div", { class: "scroll", tabindex: "0" }, made)];
  }));
}

// What was measured at rates that follow from the peaks.
function drawRungs() {
  const tables = analysis.peaks?.at_rates ?? [];
  byId("rungs-section").hidden = tables.length === 0;
  byId("rungs").replaceChildren(...tables.flatMap((table) => {
    const heading = (column) => `${transports[column.cell.transport]} ${column.cell.payload_bytes} B × ${column.cell.connections}\n${rungText(column.at)}${column.rate_per_s ? `\n${compact(column.rate_per_s, "frames_per_second")}` : ""}`;
    const body = visibleRows().map((row) => element("tr", {}, element("th", { scope: "row" }, engineLabel(row)),
      ...table.rows[row].entries.map((entry, place) => entryCell(entry, table, standingMark(entry.standing),
        () => note(`${names[row]}, ${heading(table.columns[place]).replaceAll("\n", ", ")}`, explain(entry, table)), `${row}.${table.key}.${place}`))));
    const made = element("table", {}, element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "engine"),
      ...table.columns.map((column) => element("th", { scope: "col", class: "pre" }, heading(column))))), element("tbody", {}, ...body));
    return [element("h3", {}, table.title), element("p", { class: "caption" }, table.formula), element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": table.title }, made)];
  }));
}

const rungText = (at) => at.fixed !== undefined ? "fixed rate" : at.common_peak !== undefined ? `${at.common_peak} % of the slowest peak` : `${at.own_peak} % of its own peak`;

function drawContrast() {
  const contrast = analysis.contrasts.find((found) => found.key === state.metric);
  byId("contrast-section").hidden = !contrast;
  if (!contrast) return;
  const table = currentTable();
  const body = visibleRows().map((row) => element("tr", {}, element("th", { scope: "row" }, engineLabel(row)),
    ...contrast.rows[row].entries.flatMap((entry) => {
      const sign = entry.separated ? "" : entry.interval ? "≈" : "?";
      const said = (of) => () => note(`${names[row]}: ${table.title}`, [...explain({ ...of, standing: null }, table), entry.ratio === null ? "No difference can be said." : `${percent(entry.ratio)} against TCP${entry.separated ? ", established" : entry.interval ? ": not told apart from TCP" : ": too few blocks"}`]);
      const tcp = entryCell({ ...entry.tcp, standing: null }, table, "", said(entry.tcp), "");
      return [tcp, entryCell({ ...entry.other, standing: null }, table, entry.ratio === null ? "" : sign + percent(entry.ratio), said(entry.other), "")];
    })));
  const headings = contrast.columns.flatMap((cell) => [element("th", { scope: "col" }, `TCP ${cell.payload_bytes} B × ${cell.connections}`),
    element("th", { scope: "col" }, transports[cell.transport])]);
  byId("contrast").replaceChildren(
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "engine"), ...headings)), element("tbody", {}, ...body));
}
