/**
 * The dialog with a plot's numbers, and the files made of a plot: CSV, JSON,
 * PNG, SVG. Loaded when it is first asked for.
 * @module
 */
import { count } from './ticks.js';
import { cellText, slug, toCSV, toJSON } from './table.js';
import { CanvasPen } from './pen.js';
import { SvgPen } from './svg.js';
import { theme } from './theme.js';
import { el, plain } from './dom.js';

const LIMIT = 2000, PAGE = 200;

/** Opens the dialog of a figure. @param {import('./figure.js').Figure} fig */
export function openData(fig) {
  const table = fig.o.table(), id = 'pl-data-title', sentence = plain(fig.said ?? '');
  const dialog = el('dialog', { class: 'pl-data', 'aria-labelledby': id });
  const button = (text, label, f) => {
    const b = el('button', label ? { type: 'button', 'aria-label': label } : { type: 'button' }, text);
    b.addEventListener('click', f);
    return b;
  };
  const close = button('Close', '', () => dialog.close());
  const name = slug(fig.name), files = el('div', { class: 'pl-files', role: 'group', 'aria-label': 'Save as' });
  if (table) {
    files.append(
      button('CSV', 'Save as CSV', () => save(new Blob([toCSV(table)], { type: 'text/csv' }), name + '.csv')),
      button('JSON', 'Save as JSON', () => save(new Blob([toJSON(fig.name, sentence, table)], { type: 'application/json' }), name + '.json')),
      button('PNG', 'Save as PNG', async () => save(await png(fig), name + '.png')),
      button('SVG', 'Save as SVG', () => save(new Blob([svg(fig)], { type: 'image/svg+xml' }), name + '.svg')));
  }
  dialog.append(el('header', {}, el('h2', { id }, fig.name), close), el('p', { class: 'note' }, sentence), files, ...body(table, fig.name));
  dialog.addEventListener('click', e => { if (e.target === dialog) dialog.close(); });
  dialog.addEventListener('close', () => { dialog.remove(); fig.button?.focus(); });
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}

function body(table, name) {
  if (!table || !table.rows) return [el('p', {}, 'Nothing is plotted yet.')];
  const shown = Math.min(table.rows, LIMIT), pages = Math.ceil(shown / PAGE);
  const tbody = el('tbody'), where = el('span', { 'aria-live': 'polite' });
  const head = el('tr', {}, ...table.columns.map(c => el('th', { scope: 'col' }, c)));
  const grid = el('table', {}, el('thead', {}, head), tbody);
  const region = el('div', { class: 'pl-scroll', role: 'region', tabindex: '0', 'aria-label': `Numbers of ${name}` }, grid);
  let page = 0;
  const show = p => {
    page = Math.max(0, Math.min(pages - 1, p));
    const from = page * PAGE, to = Math.min(shown, from + PAGE);
    const row = r => el('tr', {}, ...table.columns.map((_, c) => el('td', {}, cellText(table.cell(r, c)))));
    tbody.replaceChildren(...Array.from({ length: to - from }, (_, i) => row(from + i)));
    where.textContent = `Rows ${count(from + 1)} to ${count(to)} of ${count(shown)}`;
    prev.disabled = page === 0; next.disabled = page === pages - 1;
    region.scrollTop = 0;
  };
  const prev = el('button', { type: 'button' }, 'Back'), next = el('button', { type: 'button' }, 'Forward');
  prev.addEventListener('click', () => show(page - 1));
  next.addEventListener('click', () => show(page + 1));
  show(0);
  const out = [region];
  if (pages > 1) out.push(el('div', { class: 'pl-pages' }, prev, where, next));
  if (table.rows > shown) out.push(el('p', { class: 'note' }, `The first ${count(shown)} of ${count(table.rows)} rows; the files have them all.`));
  return out;
}

/** Hands a file to the person. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const url = URL.createObjectURL(blob), a = el('a', { href: url, download: 'fewbits-' + name, hidden: '' });
  document.body.append(a);
  a.click();
  a.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** The picture with its name and sentence, sharp at twice its size. @param {import('./figure.js').Figure} fig @returns {Promise<Blob>} */
export function png(fig) {
  const { w, h, top } = page(fig), d = Math.max(2, devicePixelRatio || 1), canvas = el('canvas');
  canvas.width = Math.round((w + 2 * EDGE) * d); canvas.height = Math.round((h + top + EDGE) * d);
  const pen = new CanvasPen(canvas.getContext('2d'), d, theme());
  pen.begin();
  pen.rect(0, 0, w + 2 * EDGE, h + top + EDGE, { fill: theme().paper });
  title(pen, fig);
  pen.ctx.translate(EDGE, top);
  pen.clip(-EDGE, 0, w + 2 * EDGE, h + EDGE, () => fig.o.paint(pen, w, h));
  pen.end();
  return new Promise(done => canvas.toBlob(done, 'image/png'));
}

/** The same as SVG. @param {import('./figure.js').Figure} fig @returns {string} */
export function svg(fig) {
  const { w, h, top } = page(fig), ruler = new CanvasPen(el('canvas').getContext('2d'), 1, theme());
  const pen = new SvgPen(w + 2 * EDGE, h + top + EDGE, theme(), ruler);
  title(pen, fig);
  pen.out.push(`<g transform="translate(${EDGE} ${top})">`);
  fig.o.paint(pen, w, h);
  pen.out.push('</g>');
  return pen.toString(fig.name);
}

/** The same with the names of the colours, for a page that has them. @param {import('./figure.js').Figure} fig @returns {string} */
export function themed(fig) {
  let text = svg(fig);
  for (const [key, value] of Object.entries(theme())) {
    if (typeof value === 'string' && value.startsWith('rgb')) text = text.replaceAll(`"${value}"`, `"var(--${key.replace(/[A-Z]/g, c => `-${c.toLowerCase()}`)})"`);
  }
  return text;
}

const EDGE = 16;
const page = fig => ({ w: Math.max(fig.w, 240), h: Math.max(fig.h, 80), top: EDGE + 42 * theme().k });

function title(pen, fig) {
  const k = theme().k;
  pen.text(EDGE, EDGE + 11 * k, fig.name, { font: 'title', fill: theme().ink });
  pen.text(EDGE, EDGE + 29 * k, plain(fig.said ?? ''), { font: 'note' });
}
