// --- drawing: lines over logarithmic axes, stacked bars ---------------------------------------------------------

function ticks(lo, hi) {
  const found = [];
  for (let power = Math.floor(Math.log10(lo)); power <= Math.ceil(Math.log10(hi)); power += 1)
    for (const step of [1, 2, 5]) { const tick = step * 10 ** power; if (tick >= lo * 0.999 && tick <= hi * 1.001) found.push(tick); }
  if (found.length >= 3) return found.length <= 9 ? found : found.filter((tick) => Number.isInteger(Math.round(Math.log10(tick) * 1e9) / 1e9));
  // Within a factor of five or so, even steps read better.
  const base = 10 ** Math.floor(Math.log10((hi - lo) / 5));
  const step = [1, 2, 5, 10].map((factor) => factor * base).find((width) => (hi - lo) / width <= 6);
  const even = [];
  for (let tick = Math.ceil(lo / step) * step; tick <= hi; tick += step) even.push(tick);
  return even;
}

// Every so many of the ticks, so that their texts keep apart.
function thinned(ticks, at, text) {
  let end = -Infinity;
  return ticks.filter((tick) => {
    const half = text(tick).length * 3.8 + 5;
    if (at(tick) - half < end) return false;
    end = at(tick) + half;
    return true;
  });
}

const span = (values) => { const lo = Math.min(...values), hi = Math.max(...values); return hi / lo < 1.01 ? [lo / 1.2, hi * 1.2] : [lo, hi]; };
const roomFor = (place) => Math.max(300, Math.min(1100, byId(place).parentElement.clientWidth || 860));
const nothing = (why) => element("p", { class: "caption" }, why);

// A chart of lines over two logarithmic axes. `lines`: [{ label, colour, points: [{ x, y, lo, hi }], dashed, faint }];
// `marks`: [{ x | y, label, lo, hi }] are lines across. Labels stand at the ends of the lines, or below where it is narrow.
function plot({ title, xTitle, lines, xText, yText, xTicks, marks = [], width = 860, height = 340, dots = true, bare = false, xEven = false }) {
  lines = lines.filter((line) => line.points.length > 0);
  const points = lines.flatMap((line) => line.points);
  if (points.length === 0) return nothing("Nothing to draw: no valid value.");
  const wide = !bare && width >= 620;
  const widest = Math.max(...lines.map((line) => line.label.length));
  const [left, right, top, bottom] = [bare ? 58 : 70, wide ? widest * 7.2 + 36 : 14, bare ? 8 : 14, bare ? 22 : 44];
  const chart = svg("svg", { class: "live", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${title}. ${lines.map((line) => `${line.label} ${yText(line.points.at(-1).y)} at ${xText(line.points.at(-1).x)}`).join(", ")}` });
  const [x0, x1] = xEven ? [Math.min(...points.map((p) => p.x)), Math.max(...points.map((p) => p.x), 1)] : span(points.map((p) => p.x));
  const across = marks.filter((mark) => mark.y).map((mark) => mark.y);
  const [low, high] = span([...points.flatMap((p) => [p.lo ?? p.y, p.hi ?? p.y]), ...across]);
  const [y0, y1] = [low / 1.05, high * 1.05];
  const atX = (x) => left + (width - left - right) * (xEven ? (x - x0) / (x1 - x0 || 1) : Math.log(x / x0) / Math.log(x1 / x0));
  const atY = (y) => height - bottom - (height - top - bottom) * Math.log(y / y0) / Math.log(y1 / y0);
  const text = (x, y, anchor, content, kind = "soft") => chart.append(svg("text", { class: kind, x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor }, content));
  const rule = (xa, ya, xb, yb, kind) => chart.append(svg("line", { class: kind, x1: xa.toFixed(1), y1: ya.toFixed(1), x2: xb.toFixed(1), y2: yb.toFixed(1) }));
  const heights = ticks(y0, y1);
  for (const tick of bare && heights.length > 4 ? heights.filter((_, i) => i % 2 === 0) : heights) {
    rule(left, atY(tick), width - right, atY(tick), "axis");
    text(left - 6, atY(tick) + 4, "end", yText(tick));
  }
  const named = (xTicks ?? distinct(points.map((p) => p.x)).sort((a, b) => a - b)).filter((tick) => tick >= x0 * 0.999 && tick <= x1 * 1.001);
  for (const tick of thinned(named, atX, xText)) text(atX(tick), height - bottom + 16, "middle", xText(tick));
  if (!bare) text((left + width - right) / 2, height - 6, "middle", xTitle);
  for (const mark of marks) {
    if (mark.lo > x1 || mark.hi < x0) continue;
    if (mark.y) { rule(left, atY(mark.y), width - right, atY(mark.y), "mark"); text(left + 6, atY(mark.y) - 5, "start", mark.label, ""); continue; }
    if (mark.lo && mark.hi) chart.append(svg("rect", { class: "band", style: mark.colour ? `fill:${mark.colour}` : "", x: atX(Math.max(x0, mark.lo)), y: top, width: Math.max(1, atX(Math.min(x1, mark.hi)) - atX(Math.max(x0, mark.lo))), height: height - top - bottom }));
  }
  for (const line of lines) {
    const path = line.points.map((p, i) => `${i ? "L" : "M"}${atX(p.x).toFixed(1)} ${atY(p.y).toFixed(1)}`).join("");
    chart.append(svg("path", { d: path, fill: "none", stroke: line.colour, "stroke-width": line.faint ? 1 : 2, "stroke-dasharray": line.dashed ? "5 4" : "none", "stroke-opacity": line.faint ? 0.35 : 1 }));
    if (line.faint || !dots) continue;
    for (const p of line.points) {
      if (p.lo) chart.append(svg("line", { x1: atX(p.x), x2: atX(p.x), y1: atY(p.lo), y2: atY(p.hi), stroke: line.colour, "stroke-width": 1.5 }));
      chart.append(svg("circle", { cx: atX(p.x), cy: atY(p.y), r: bare ? 2.5 : 3.5, fill: line.colour }));
    }
  }
  if (bare) return chart;
  if (wide) {
    // Pushed apart, so that none covers another.
    const labels = lines.map((line) => ({ y: atY(line.points.at(-1).y), line })).sort((a, b) => a.y - b.y);
    labels.forEach((label, i) => { if (i) label.y = Math.max(label.y, labels[i - 1].y + 16); });
    const over = Math.max(0, labels.at(-1).y - (height - bottom));
    for (const { y, line } of labels) {
      chart.append(svg("rect", { x: width - right + 12, y: y - over - 5, width: 9, height: 9, rx: 2, fill: line.colour }));
      text(width - right + 26, y - over + 4, "start", line.label, "");
    }
  }
  const figure = element("div", { class: "chart" }, chart);
  if (!wide) figure.append(element("ul", { class: "key" }, ...lines.map((line) => element("li", {}, element("span", { class: "swatch", style: `background:${line.colour}` }), line.label))));
  readable(figure, chart, { lines, atX, atY, xText, yText, top, bottom: height - bottom, left, width, title });
  return figure;
}

// The values under the pointer, or under the cursor that the arrow keys move.
function readable(figure, chart, { lines, atX, xText, yText, top, bottom, width, title }) {
  const xs = distinct(lines.flatMap((line) => line.points.map((p) => p.x))).sort((a, b) => a - b);
  const cursor = svg("line", { class: "cursor", y1: top, y2: bottom, visibility: "hidden" });
  const tip = element("div", { class: "tip", role: "status", hidden: "" });
  chart.append(cursor);
  chart.setAttribute("tabindex", "0");
  figure.append(tip);
  let at = -1;
  const show = (place) => {
    at = Math.max(0, Math.min(xs.length - 1, place));
    const x = xs[at];
    const found = lines.map((line) => ({ line, p: line.points.find((p) => p.x === x) })).filter(({ p }) => p).sort((a, b) => b.p.y - a.p.y);
    cursor.setAttribute("x1", atX(x)); cursor.setAttribute("x2", atX(x)); cursor.setAttribute("visibility", "visible");
    tip.hidden = false;
    tip.replaceChildren(element("b", {}, xText(x)), ...found.map(({ line, p }) => element("div", {}, element("span", { class: "swatch", style: `background:${line.colour}` }),
      `${line.label} ${yText(p.y)}${p.lo ? ` [${yText(p.lo)}, ${yText(p.hi)}]` : ""}`)));
    const share = atX(x) / width;
    tip.style.left = share < 0.5 ? `calc(${(share * 100).toFixed(2)}% + 12px)` : "auto";
    tip.style.right = share < 0.5 ? "auto" : `calc(${((1 - share) * 100).toFixed(2)}% + 12px)`;
  };
  const hide = () => { tip.hidden = true; cursor.setAttribute("visibility", "hidden"); };
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * width;
    show(xs.reduce((best, candidate, place) => Math.abs(atX(candidate) - x) < Math.abs(atX(xs[best]) - x) ? place : best, 0));
  });
  chart.addEventListener("pointerleave", hide);
  chart.addEventListener("blur", hide);
  chart.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    show(at < 0 ? 0 : at + step);
  });
}

// Parts of a bar are told apart by how solid they are, and by their outlines.
const solid = [100, 50, 15];

// Stacked bars as a table. `rows`: [{ row, parts: [number], text, title }].
function stacked(title, parts, rows, unit) {
  if (rows.length === 0) return nothing("Nothing to draw: no valid value.");
  const longest = Math.max(...rows.map(({ parts }) => parts.reduce((sum, part) => sum + part, 0)));
  const bar = (row) => row.parts.map((part, i) => element("span", { style: `width:${(part / longest * 100).toFixed(2)}%;--part:${colours[row.row]};--solid:${solid[i]}%`, title: `${parts[i]}: ${compact(part, unit)}` }));
  const key = parts.map((part, i) => element("li", {}, element("span", { class: "swatch part", style: `--part:currentColor;--solid:${solid[i]}%` }), part));
  const body = rows.map((row) => element("tr", { class: row.faint ? "faint" : null }, element("th", { scope: "row" }, engineLabel(row.row)),
    element("td", { class: "bar", "aria-label": row.parts.map((part, i) => `${parts[i]} ${compact(part, unit)}`).join(", ") }, element("div", {}, ...bar(row))),
    element("td", { title: row.title ?? null }, row.text)));
  return element("div", {}, element("ul", { class: "key" }, ...key),
    element("table", { class: "bars" }, element("caption", { class: "unseen" }, title), element("tbody", {}, ...body)));
}
