// node web/lessons.mjs STAGE: renders web/lessons/*.md, the first into
// STAGE/index.html, which lists them all, the others to STAGE/lessons/ID.html.
//
// A lesson is Markdown under lines of "key: value" between two lines of "---":
// id, title, minutes, and sources, one a line below it. In the text
//
//   :::widget ID      is the place of a widget of package lesson
//   :::exercise ID    that of an exercise
//   [word](#word-ID)  is a term of the glossary, words.md, whose entries are
//                     lines of the form  - **Word**: what it means
//
// and in the first, which is part of the page,
//
//   :::page ID        is the place of what the view has under that name; lines
//                     below, up to one of ":::", are text that goes into it
//   :::aside ID       and the line below it are a word of the glossary at length,
//                     [word](#aside-ID) the place in the text that it belongs to
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Marked } from "marked";

const from = join(dirname(fileURLToPath(import.meta.url)), "lessons");

/** A place that the page fills. */
const PLACE = /^:::(widget|exercise) ([a-z0-9-]+)(?:\n+|$)/;

/** One that the view fills, with a text of its own or none; and a note beside the text. */
const PAGE = /^:::page ([a-z0-9-]+)\n(?:\n+|([^]+?)\n:::(?:\n+|$))/, ASIDE = /^:::aside ([a-z0-9-]+)\n(.+)(?:\n+|$)/;

export const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");

const escaped = (s) => s.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

/** Splits a file into its front matter and its text. */
export function parse(file, name) {
  const m = /^---\n([^]*?)\n---\n([^]*)$/.exec(file);
  if (!m) throw new Error(`${name} has no front matter between two lines of ---`);
  const head = { sources: [] };
  for (const line of m[1].split("\n")) {
    const source = /^- (.+)$/.exec(line), pair = /^(\w+):\s*(.*)$/.exec(line);
    if (source) head.sources.push(source[1]);
    else if (!pair) throw new Error(`${name}: front matter ${JSON.stringify(line)} is no "key: value"`);
    else if (pair[1] !== "sources") head[pair[1]] = pair[2];
  }
  for (const key of ["id", "title", "minutes"]) if (!head[key]) throw new Error(`${name} has no ${key}`);
  if (!/^[a-z0-9-]+$/.test(head.id)) throw new Error(`${name}: the id ${JSON.stringify(head.id)} wants small letters, digits and hyphens`);
  return { ...head, text: m[2], name };
}

/** The glossary: id → {word, means}. */
export function glossary(text) {
  const words = new Map();
  for (const m of text.matchAll(/^- \*\*(.+?)\*\*: (.+)$/gm)) words.set(slug(m[1]), { word: m[1], means: m[2] });
  return words;
}

/** Renders a lesson's text. parts: what the view has for the first one, by name. */
export function render(lesson, words, parts = {}) {
  let uses = 0;
  const wordOf = (id) => {
    const entry = words.get(id);
    if (!entry) throw new Error(`${lesson.name}: the glossary has no ${JSON.stringify(id)}`);
    return entry;
  };
  const place = {
    name: "place",
    level: "block",
    start: (src) => src.match(/^:::/m)?.index,
    tokenizer(src) {
      let m = PLACE.exec(src);
      if (m) return { type: "place", raw: m[0], kind: m[1], id: m[2] };
      if ((m = PAGE.exec(src))) return { type: "place", raw: m[0], kind: "page", id: m[1], tokens: this.lexer.blockTokens(m[2] ?? "", []) };
      if ((m = ASIDE.exec(src))) return { type: "place", raw: m[0], kind: "aside", id: m[1], tokens: this.lexer.inlineTokens(m[2]) };
      if (src.startsWith(":::")) throw new Error(`${lesson.name}: ${JSON.stringify(src.split("\n", 1)[0])} is no place that a lesson may have`);
    },
    renderer({ kind, id, tokens }) {
      if (kind === "widget") return `<div class="widget wide-fig" data-widget="${id}"></div>\n`;
      if (kind === "exercise") return `<form class="exercise" data-exercise="${id}" novalidate></form>\n`;
      if (kind === "aside") return `<aside id="l-${id}"><b>${escaped(wordOf(id).word)}</b>${this.parser.parseInline(tokens)}</aside>\n`;
      if (!parts[id]) throw new Error(`${lesson.name}: the view has no ${JSON.stringify(id)}`);
      const text = this.parser.parse(tokens).trimEnd().replace("<h2>", '<h2 id="l-ex">'); // what names the form
      return parts[id].replace("<!--text-->", () => text);
    },
  };
  const renderer = {
    link({ href, text, tokens }) {
      const aside = /^#aside-(.+)$/.exec(href)?.[1], id = /^#word-(.+)$/.exec(href)?.[1];
      if (aside) return `<dfn aria-describedby="l-${aside}">${escaped(text)}</dfn>`;
      if (!id) return `<a href="${escaped(href)}">${this.parser.parseInline(tokens)}</a>`;
      const entry = wordOf(id), tip = `w-${id}-${++uses}`;
      return `<span class="gloss"><a href="#/learn/words" data-word="${id}" aria-describedby="${tip}">${escaped(text)}</a><span role="tooltip" id="${tip}"><b>${escaped(entry.word)}</b> ${escaped(entry.means)}</span></span>`;
    },
    listitem(item) {
      const entry = lesson.id === "words" && /^\*\*(.+?)\*\*: /.exec(item.text);
      return `<li${entry ? ` id="word-${slug(entry[1])}"` : ""}>${this.parser.parse(item.tokens, false)}</li>\n`;
    },
  };
  return new Marked({ extensions: [place], renderer }).parse(lesson.text);
}

/** A whole fragment: head, text, sources, and the way on. parts are those of the first, which is in the page. */
function fragment(lesson, at, all, words, parts) {
  const before = all[at - 1], next = all[at + 1];
  const sources = lesson.sources.length ? `<h2>Sources</h2>\n<ul class="sources">${lesson.sources.map((s) => `<li>${escaped(s)}</li>`).join("")}</ul>\n` : "";
  const link = (l, word) => (l ? `<a href="#/learn/${l.id}">${word}: ${escaped(l.title)}</a>` : "<span></span>");
  const time = lesson.minutes === "0" ? "" : `<p class="eyebrow note">Lesson ${at + 1} · ${lesson.minutes} minutes</p>\n`;
  const head = parts ? `id="l-${lesson.id}"` : 'tabindex="-1"', back = parts ? '<a href="#/tensor">Try it on a tensor</a>' : link(before, "Before");
  return `${time}<h1 ${head}>${escaped(lesson.title)}</h1>\n${render(lesson, words, parts)}${sources}<div class="pn">${back}${link(next, "Next")}</div>\n`;
}

/** Takes the parts of the first lesson out of the page: where they stood, and each by its name. */
function partsOf(html) {
  const m = /<!--lesson-->([^]*?)<!--end-->/.exec(html);
  if (!m) throw new Error("the page has no place for the first lesson: <!--lesson--> … <!--end-->");
  const parts = {};
  for (const [, id, part] of m[1].matchAll(/<!--page ([a-z0-9-]+)-->\s*([^]*?)(?=<!--page |$)/g)) parts[id] = part.trimEnd() + "\n";
  return [m[0], parts];
}

const entry = ({ id, title }, n) => `<li><a data-entry="${id}" href="#/learn/${id}"><i class="n">${n}</i><span>${escaped(title)}</span><small class="todo" id="l-state-${id}"></small></a></li>`;

async function main(stage) {
  const names = (await readdir(from)).filter((n) => n.endsWith(".md")).sort();
  const all = await Promise.all(names.map(async (n) => parse(await readFile(join(from, n), "utf8"), n)));
  const twice = all.find((l, i) => all.findIndex((m) => m.id === l.id) < i);
  if (twice) throw new Error(`two lessons have the id ${JSON.stringify(twice.id)}`);
  const words = glossary(all.find((l) => l.id === "words")?.text ?? "");
  const page = join(stage, "index.html"), html = await readFile(page, "utf8"), [place, parts] = partsOf(html), mark = "<!--lessons-->";
  if (!html.includes(mark)) throw new Error(`the page has no ${mark}`);
  await writeFile(page, html.replace(mark, () => all.map((l, i) => entry(l, i + 1)).join("\n")).replace(place, () => fragment(all[0], 0, all, words, parts)));
  await mkdir(join(stage, "lessons"), { recursive: true });
  for (const [i, l] of all.entries()) if (i) await writeFile(join(stage, "lessons", `${l.id}.html`), fragment(l, i, all, words));
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await main(resolve(process.argv[2]));
