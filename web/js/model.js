// The rows of Model's table. A window of them is drawn in one call: from Go
// each cell would cost a call of its own into the document, and a scroll a
// tenth of a second.

import { byId } from "./rooms.js";

/**
 * @typedef {object} Row
 * @property {number} at       its place in the whole table, from 0
 * @property {number} index    of the tensor
 * @property {number} [open]   which tensor its name opens; absent where none can be opened
 * @property {string} name
 * @property {string[]} cells  shape, type now, type next, MiB now, MiB next, bits, error
 * @property {string} [why]    it takes that type
 * @property {boolean} [same]  it keeps its type
 * @property {number} [bar]    of the error, in per cent of the largest
 * @property {string} [type]   that a person gave it, "" for none; absent where none can be given
 * @property {number} [part]   of it that is made, in per cent, while the file is
 */

let types = [];
const template = document.createElement("template");
template.innerHTML = '<tr><td class="name"></td><td class="opt opt2 note"></td><td class="opt"></td><td class="next"><span></span> <small class="opt opt2"></small></td><td class="num opt"></td><td class="num"></td><td class="num opt opt2"></td><td class="num loss"><i class="ebar opt" aria-hidden="true"></i><span></span></td></tr>';
byId("m-rows").addEventListener("click", ({ target }) => {
  const button = target.closest("[data-type]");
  if (button) choose(button, true);
});

/**
 * Draws rows into the table's body, and room for those above and below. What
 * has the focus keeps it.
 * @param {{rows: Row[], above: number, below: number, none?: string, types: string[]}} w  heights in px; the types that a tensor may be given
 */
export function drawRows({ rows, above, below, none, types: all }) {
  types = all;
  const body = byId("m-rows");
  const focused = document.activeElement.closest("#m-rows :is(button, select)"), { open, type } = focused?.dataset ?? {};
  const list = rows.map((r) => fill(template.content.firstElementChild.cloneNode(true), r));
  if (none) list.push(wide("none", none));
  body.replaceChildren(...gap(above), ...list, ...gap(below));
  const again = body.querySelector(open === undefined ? `[data-type="${type}"]` : `[data-open="${open}"]`);
  again?.focus({ preventScroll: true });
  if (again && focused.matches("select")) choose(again, false);
}

/** Puts a list of types in place of the button that shows one; there is never more than this. */
function choose(button, open) {
  const select = document.createElement("select");
  select.append(new Option("recipe's", ""), ...types.map((t) => new Option(t, t)));
  Object.assign(select.dataset, button.dataset);
  select.value = button.dataset.own;
  select.setAttribute("aria-label", `Type of ${button.closest("tr").cells[0].title}`);
  let there = true; // what has the focus loses it on its way out, and that would close it once more
  const close = () => {
    if (!there) return;
    there = false;
    select.replaceWith(button);
  };
  select.addEventListener("change", () => globalThis.fewbitsPage.type(+button.dataset.type, select.value));
  select.addEventListener("blur", close);
  select.addEventListener("keydown", (e) => {
    if (e.key !== "Escape" && e.key !== "Enter") return;
    close();
    button.focus();
  });
  button.replaceWith(select);
  select.focus({ preventScroll: true });
  if (open) try { select.showPicker(); } catch { /* it opens by itself, or with a key */ }
}

/** A row of one cell. It spans only columns that are shown: others would come back, empty, and take room. */
function wide(className, text = "") {
  const tr = document.createElement("tr"), td = document.createElement("td");
  tr.className = className;
  if (text) td.colSpan = [...byId("m-table").tHead.rows[0].cells].filter((th) => th.offsetWidth).length || 1;
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
  c[3].children[0].replaceWith(r.type === undefined ? span(next) : chooser(r, next));
  c[3].children[1].textContent = r.why || "";
  if (r.why) c[3].title = r.why;
  c[3].classList.toggle("same", !!r.same);
  c[4].textContent = mibNow;
  c[5].textContent = mibNext;
  c[6].textContent = bits;
  c[7].children[0].style.setProperty("--w", `${r.bar || 0}%`);
  c[7].children[1].textContent = loss;
  tr.classList.toggle("edited", !!r.type);
  if (r.part === undefined) return tr;
  tr.style.setProperty("--p", `${r.part}%`);
  if (r.part > 0 && r.part < 100) c[0].firstChild.append(span(`${Math.floor(r.part)} %`, "made")); // beside the line that grows below it
  return tr;
}

/** The button that shows the type and opens the list of types. */
function chooser(r, next) {
  const b = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: next });
  Object.assign(b.dataset, { type: r.index, own: r.type });
  b.setAttribute("aria-label", `${next}: change the type of ${r.name}`);
  return b;
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
