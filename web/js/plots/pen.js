/**
 * A small drawing vocabulary. Plots draw with a pen, so that another pen (a
 * sharper canvas, or svg.js) makes a file of just what is seen. All lengths
 * are CSS pixels.
 * @module
 */

/**
 * @typedef {{stroke?: string, fill?: string, width?: number, dash?: number[], alpha?: number, close?: boolean}} Style
 * @typedef {{font?: 'tick'|'note'|'lab'|'title', fill?: string, align?: 'start'|'middle'|'end', halo?: string}} TextStyle
 */

const widths = new Map();

/** Draws on a 2D context. Between begin and end it leaves the context's own state untouched. */
export class CanvasPen {
  /** @param {CanvasRenderingContext2D} ctx @param {number} dpr @param {import('./theme.js').Theme} theme */
  constructor(ctx, dpr, theme) { this.ctx = ctx; this.dpr = dpr; this.theme = theme; }

  begin() { const c = this.ctx; c.save(); c.setTransform(this.dpr, 0, 0, this.dpr, 0, 0); c.lineJoin = 'round'; c.globalAlpha = 1; }

  end() { this.ctx.restore(); }

  /** The nearest place where a line of that width fills whole device pixels. */
  snap(v, width = 1) { const lw = Math.max(1, Math.round(width * this.dpr)); return (Math.round(v * this.dpr - lw / 2) + lw / 2) / this.dpr; }

  /** An upright or level line, sharp. */
  hair(x1, y1, x2, y2, s) {
    const w = Math.max(1, Math.round((s.width ?? 1) * this.dpr)) / this.dpr;
    if (x1 === x2) x1 = x2 = this.snap(x1, s.width); else y1 = y2 = this.snap(y1, s.width);
    this.line(x1, y1, x2, y2, { ...s, width: w });
  }

  line(x1, y1, x2, y2, s) { this.#style(s); const c = this.ctx; c.beginPath(); c.moveTo(x1, y1); c.lineTo(x2, y2); c.stroke(); }

  /** Upright lines at each x, in one stroke. */
  uprights(xs, y1, y2, s) {
    const c = this.ctx;
    this.#style(s); c.beginPath();
    for (const x of xs) { const v = this.snap(x); c.moveTo(v, y1); c.lineTo(v, y2); }
    c.stroke();
  }

  /** A polyline of [x0, y0, x1, y1 …]. */
  path(p, s) {
    if (p.length < 4) return;
    const c = this.ctx;
    this.#style(s); this.#trace(p, s.close);
    if (s.fill) { c.fillStyle = s.fill; c.fill(); }
    if (s.stroke) c.stroke();
  }

  rect(x, y, w, h, s) {
    const c = this.ctx;
    this.#style(s);
    if (s.fill) { c.fillStyle = s.fill; c.fillRect(x, y, w, h); }
    if (s.stroke) c.strokeRect(x, y, w, h);
  }

  dot(x, y, r, s) {
    const c = this.ctx;
    this.#style(s); c.beginPath(); c.arc(x, y, r, 0, 2 * Math.PI);
    if (s.fill) { c.fillStyle = s.fill; c.fill(); }
    if (s.stroke) c.stroke();
  }

  /** @param {number} x @param {number} y baseline @param {string} str @param {TextStyle} s */
  text(x, y, str, s = {}) {
    const c = this.ctx;
    c.globalAlpha = 1; c.font = this.theme.fonts[s.font ?? 'tick'];
    c.textAlign = s.align === 'middle' ? 'center' : s.align === 'end' ? 'right' : 'left';
    if (s.halo) { c.setLineDash([]); c.lineWidth = 4; c.strokeStyle = s.halo; c.strokeText(str, x, y); }
    c.fillStyle = s.fill ?? this.theme.muted;
    c.fillText(str, x, y);
  }

  clip(x, y, w, h, draw) { const c = this.ctx; c.save(); c.beginPath(); c.rect(x, y, Math.max(0, w), h); c.clip(); draw(); c.restore(); }

  /** Slanted lines inside a closed shape. @param {number} slope 1 or −1 */
  hatch(p, stroke, slope = 1) {
    if (p.length < 6) return;
    const c = this.ctx;
    let x0 = Infinity, x1 = -Infinity, y0 = Infinity, y1 = -Infinity;
    for (let i = 0; i < p.length; i += 2) {
      x0 = Math.min(x0, p[i]); x1 = Math.max(x1, p[i]);
      y0 = Math.min(y0, p[i + 1]); y1 = Math.max(y1, p[i + 1]);
    }
    const h = y1 - y0, [from, to] = slope > 0 ? [y1, y0] : [y0, y1];
    c.save(); this.#trace(p, true); c.clip(); this.#style({ stroke, width: 1.5 }); c.beginPath();
    for (let x = Math.floor((x0 - h) / 5) * 5; x < x1; x += 5) { c.moveTo(x, from); c.lineTo(x + h, to); }
    c.stroke(); c.restore();
  }

  /** A canvas stretched over a box, its pixels kept square. */
  image(img, x, y, w, h) { const c = this.ctx; c.globalAlpha = 1; c.imageSmoothingEnabled = false; c.drawImage(img, x, y, w, h); }

  /** A level gradient through evenly spaced stops. */
  ramp(x, y, w, h, stops, stroke) {
    const g = this.ctx.createLinearGradient(x, 0, x + w, 0);
    stops.forEach((s, i) => g.addColorStop(i / (stops.length - 1), s));
    this.rect(x, y, w, h, { fill: g, stroke });
  }

  measure(str, font = 'tick') {
    const f = this.theme.fonts[font], key = f + str;
    let w = widths.get(key);
    if (w === undefined) {
      if (widths.size > 4000) widths.clear();
      this.ctx.font = f;
      widths.set(key, w = this.ctx.measureText(str).width);
    }
    return w;
  }

  #trace(p, close) {
    const c = this.ctx;
    c.beginPath();
    c.moveTo(p[0], p[1]);
    for (let i = 2; i < p.length; i += 2) c.lineTo(p[i], p[i + 1]);
    if (close) c.closePath();
  }

  #style(s) {
    const c = this.ctx;
    c.globalAlpha = s.alpha ?? 1; c.lineWidth = s.width ?? 1; c.setLineDash(s.dash ?? []);
    if (s.stroke) c.strokeStyle = s.stroke;
  }
}
