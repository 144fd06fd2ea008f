// The rows of Model's table. A window of them is drawn in one call: from Go
// each cell would cost a call of its own into the document, and a scroll a
// tenth of a second.

import { byId } from "./rooms.js";

/**
 * @typedef {object} Row
 * @property {number} at       its place in the whole table, from 0
 * @property {number} [open]   which tensor its name opens; absent where none can be opened
 * @property {string} name
 * @property {string[]} cells  shape, type now, type next, MiB now, MiB next, bits, error
 * @property {string} [why]    it takes that type
 * @property {boolean} [same]  it keeps its type
 * @property {number} [bar]    of the error, in per cent of the largest
 */

/**
 * Draws rows into the table's body, and room for those above and below. What
 * has the focus keeps it.
 * @param {{rows: Row[], above: number, below: number, none?: string}} w  heights in px
 */
export function drawRows({ rows, above, below, none }) {
  const body = byId("m-rows");
  const focused = document.activeElement.closest("#m-rows [data-open]")?.dataset.open;
  const template = byId("m-row").content.firstElementChild;
  const list = rows.map((r) => fill(template.cloneNode(true), r));
  if (none) list.push(wide("none", none));
  body.replaceChildren(...gap(above), ...list, ...gap(below));
  if (focused !== undefined) body.querySelector(`[data-open="${focused}"]`)?.focus({ preventScroll: true });
}

/** A row that spans all columns. */
function wide(className, text = "") {
  const tr = document.createElement("tr"), td = document.createElement("td");
  tr.className = className;
  td.colSpan = 8;
  td.textContent = text;
  tr.append(td);
  return tr;
}

function gap(height) {
  if (!(height > 0)) return [];
  const tr = wide("gap");
  tr.setAttribute("aria-hidden", "true");
  tr.firstChild.style.setProperty("--h", `${height}px`);
  return [tr];
}

function fill(tr, r) {
  const c = tr.cells, [shape, now, next, mibNow, mibNext, bits, loss] = r.cells;
  tr.setAttribute("aria-rowindex", r.at + 2); // the head is 1
  name(c[0], r);
  c[1].textContent = shape;
  c[2].textContent = now;
  c[3].children[0].textContent = next;
  c[3].children[1].textContent = r.why || "";
  if (r.why) c[3].title = r.why;
  c[3].classList.toggle("same", !!r.same);
  c[4].textContent = mibNow;
  c[5].textContent = mibNext;
  c[6].textContent = bits;
  c[7].children[0].style.setProperty("--w", `${r.bar || 0}%`);
  c[7].children[1].textContent = loss;
  return tr;
}

/**
 * The name, a button where the tensor can be opened. Where there is no room it
 * is cut before its last part, which says most; a phone leaves ".weight" out.
 */
function name(td, r) {
  td.title = r.name;
  const at = document.createElement(r.open === undefined ? "span" : "button");
  if (r.open !== undefined) {
    at.type = "button";
    at.className = "plain";
    at.dataset.open = r.open;
    at.setAttribute("aria-label", `${r.name}: Open in Tensor`);
  }
  const [, head, tail, weight] = /^(.*?)(\.?[^.]*?)(\.weight)?$/s.exec(r.name);
  at.append(span(head, "head"), span(tail));
  if (weight) at.append(span(weight, "opt"));
  td.append(at);
}

const span = (textContent, className = "") => Object.assign(document.createElement("span"), { textContent, className });
