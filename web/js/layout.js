const NS = "http://www.w3.org/2000/svg";

/** Above so many bytes a block is drawn byte by byte, and not bit by bit. */
const MAX_BITS = 44;

/**
 * Draws a block's layout to scale: every bit of a small block, every byte of a
 * large one; what the opened weight uses is lit; fields are named above.
 * @param {HTMLElement} figure
 * @param {number} width  its own
 * @param {{hex: string, fields: {name: string, role?: string, spans?: number[][], mine?: number[][], text?: string}[], code: number}} o
 * @param {boolean} b  whether it is side B's
 */
export function drawLayout(figure, width, o, b) {
  figure.classList.toggle("b", b);
  figure.textContent = "";
  if (!width) return;
  const bytes = o.hex.match(/../g)?.map((h) => parseInt(h, 16)) || [];
  figure.append(bytes.length <= MAX_BITS ? bits(o, bytes, width) : cells(o, bytes, width));
  figure.setAttribute("aria-label", describe(o, bytes.length));
}

function describe(o, n) {
  const fields = o.fields.map((f) => f.name + (f.text ? `: ${f.text}` : "")).join("; ");
  return `Layout of the block, ${n} bytes. ${fields}.`;
}

function svg(tag, attrs, text) {
  const e = document.createElementNS(NS, tag);
  for (const [k, v] of Object.entries(attrs)) e.setAttribute(k, v);
  if (text !== undefined) e.textContent = text;
  return e;
}

/** Role and use of each bit. */
function roles(o, n) {
  const role = new Array(n).fill(""), mine = new Array(n).fill(false);
  for (const f of o.fields) {
    for (const [first, count] of f.spans || []) for (let i = first; i < first + count && i < n; i++) role[i] = f.role || "";
    for (const [first, count] of f.mine || []) for (let i = first; i < first + count && i < n; i++) mine[i] = true;
  }
  return { role, mine };
}

const ofFloat = (role) => role === "sign" || role === "exponent" || role === "mantissa";
const own = (role) => role === "code" || ofFloat(role);

/** Rows of bytes; in each byte the highest bit stands left. */
function bits(o, bytes, width) {
  const per = Math.max(1, Math.min(bytes.length, width > 1000 ? 22 : width > 900 ? 19 : width > 560 ? 10 : 5));
  const gap = 3, cell = Math.min(14, (width - gap * (per - 1)) / (per * 8)), rowH = 56, top = 16, h = 20;
  const rows = Math.ceil(bytes.length / per);
  const root = svg("svg", { height: rows * rowH, width, role: "presentation" });
  const { role, mine } = roles(o, bytes.length * 8);
  const x = (i) => (i % per) * (8 * cell + gap), y = (i) => Math.floor(i / per) * rowH + top;
  bytes.forEach((byte, i) => {
    for (let k = 7; k >= 0; k--) {
      const bit = 8 * i + k, g = svg("g", { class: mine[bit] ? (own(role[bit]) ? `lit ${role[bit]}` : "use") : "" });
      const bx = x(i) + (7 - k) * cell;
      g.append(svg("rect", { x: bx, y: y(i), width: cell - 0.5, height: h }), svg("text", { class: "d", x: bx + cell / 2, y: y(i) + 14 }, (byte >> k) & 1));
      root.append(g);
    }
    root.append(svg("text", { class: "o", x: x(i), y: y(i) + h + 13 }, i === 0 || i % per === 0 ? `byte ${i}` : i));
  });
  label(root, o, (byte) => [x(byte), y(byte) - 4], bytes.length, width, rowH);
  return root;
}

/** Rows of bytes, each a cell with its two hexadecimal digits. */
function cells(o, bytes, width) {
  const shown = Math.min(bytes.length, 512);
  const per = width > 900 ? 48 : width > 560 ? 32 : 12, cell = width / per, rowH = 20, top = 18;
  const rows = Math.ceil(shown / per);
  const root = svg("svg", { height: rows * rowH + top, width, role: "presentation" });
  const { role, mine } = roles(o, bytes.length * 8);
  const x = (i) => (i % per) * cell, y = (i) => Math.floor(i / per) * rowH + top;
  for (let i = 0; i < shown; i++) {
    let use = "";
    for (let k = 8 * i; k < 8 * i + 8; k++) if (mine[k]) use = own(role[k]) ? "lit" : use || "use";
    const g = svg("g", { class: use, "data-role": role[8 * i] });
    g.append(svg("rect", { x: x(i), y: y(i), width: cell - 1, height: rowH - 2 }), svg("text", { class: "d", x: x(i) + cell / 2, y: y(i) + 12.5 }, bytes[i].toString(16).padStart(2, "0")));
    root.append(g);
  }
  label(root, o, (byte) => [x(byte), y(byte) - 5], bytes.length, width, 0);
  return root;
}

/**
 * Names each field above its first byte, pushed right where the one before
 * needs the room; what does not fit stands below, with its place, and so do
 * the parts of a float, which share bytes. The weight's own code is named
 * where it is, if there is room above its row.
 */
function label(root, o, at, bytes, width, room) {
  const size = (text) => text.length * 5.6;
  const below = [];
  let free = 0;
  for (const f of o.fields) {
    if (!f.name || f.role === "pad") continue;
    const first = f.spans?.[0];
    if (!first) { below.push(f.text ? `${f.name}: ${f.text}` : f.name); continue; }
    if (ofFloat(f.role)) { below.push(f.name); continue; }
    const byte = first[0] >> 3, [x, y] = at(byte), start = Math.max(x, free);
    if (y > 20 || start + size(f.name) > width) { below.push(`byte ${byte}: ${f.name}`); continue; }
    root.append(svg("text", { class: `name ${f.role || ""}`, x: start, y }, f.name));
    free = start + size(f.name) + 10;
  }
  const mine = o.fields.find((f) => f.role === "code" && f.mine?.length);
  if (mine) {
    const [x, y] = at(mine.mine[0][0] >> 3), text = `q ${mine.text ?? o.code}`;
    if (y > 20 ? room : x > free) root.append(svg("text", { class: "name mine", x, y }, text));
  }
  if (below.length) {
    if (o.fields.some((f) => ofFloat(f.role))) below.unshift(bytes > 1 ? `from the high bit of byte ${bytes - 1} down` : "from the high bit down");
    for (const line of lines(below, width, size)) {
      const h = +root.getAttribute("height");
      root.setAttribute("height", h + 16);
      root.append(svg("text", { class: "name", x: 0, y: h + 12 }, line));
    }
  }
}

/** Parts joined by dots, in lines that fit the width. */
function lines(parts, width, size) {
  const out = [];
  for (const p of parts) {
    const joined = out.length ? `${out.at(-1)} · ${p}` : p;
    if (out.length && size(joined) <= width) out[out.length - 1] = joined;
    else out.push(p);
  }
  return out;
}
