"use strict";
// What every page needs: numbers for people, and elements.
const byId = (id) => document.getElementById(id);
const distinct = (values) => [...new Set(values)];

// Data in which the names of each kind of object are said once: an object is [shape, value, …], a list [0, item, …].
function withNames({ shapes, value }) {
  const unpack = (packed) => {
    if (!Array.isArray(packed)) return packed;
    if (packed[0] === 0) return packed.slice(1).map(unpack);
    return Object.fromEntries(shapes[packed[0] - 1].map((name, i) => [name, unpack(packed[i + 1])]));
  };
  return unpack(value);
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

