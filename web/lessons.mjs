// node web/lessons.mjs STAGE: renders web/lessons/*.md to STAGE/lessons/ID.html,
// and lists them in STAGE/index.html.
//
// A lesson is Markdown under lines of "key: value" between two lines of "---":
// id, title, minutes, and sources, one a line below it. In the text
//
//   :::widget ID      is the place of a widget of package lesson
//   :::exercise ID    that of an exercise
//   [word](#word-ID)  is a term of the glossary, words.md, whose entries are
//                     lines of the form  - **Word**: what it means
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Marked } from "marked";

const from = join(dirname(fileURLToPath(import.meta.url)), "lessons");

/** A place that the page fills. */
const PLACE = /^:::(widget|exercise) ([a-z0-9-]+)(?:\n+|$)/;

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

/** Renders a lesson's text. */
export function render(lesson, words) {
  let uses = 0;
  const place = {
    name: "place",
    level: "block",
    start: (src) => src.match(/^:::/m)?.index,
    tokenizer(src) {
      const m = PLACE.exec(src);
      if (m) return { type: "place", raw: m[0], kind: m[1], id: m[2] };
      if (src.startsWith(":::")) throw new Error(`${lesson.name}: ${JSON.stringify(src.split("\n", 1)[0])} is neither a widget nor an exercise`);
    },
    renderer: ({ kind, id }) => (kind === "widget" ? `<div class="widget wide-fig" data-widget="${id}"></div>\n` : `<form class="exercise" data-exercise="${id}" novalidate></form>\n`),
  };
  const renderer = {
    link({ href, text, tokens }) {
      const id = /^#word-(.+)$/.exec(href)?.[1];
      if (!id) return `<a href="${escaped(href)}">${this.parser.parseInline(tokens)}</a>`;
      const entry = words.get(id);
      if (!entry) throw new Error(`${lesson.name}: the glossary has no ${JSON.stringify(id)}`);
      const tip = `w-${id}-${++uses}`;
      return `<span class="gloss"><a href="#/learn/words" aria-describedby="${tip}">${escaped(text)}</a><span role="tooltip" id="${tip}"><b>${escaped(entry.word)}</b> ${escaped(entry.means)}</span></span>`;
    },
    listitem(item) {
      const entry = lesson.id === "words" && /^\*\*(.+?)\*\*: /.exec(item.text);
      return `<li${entry ? ` id="word-${slug(entry[1])}"` : ""}>${this.parser.parse(item.tokens, false)}</li>\n`;
    },
  };
  return new Marked({ extensions: [place], renderer }).parse(lesson.text);
}

/** A whole fragment: head, text, sources, and the way on. */
function fragment(lesson, at, all, words) {
  const before = all[at - 1], next = all[at + 1];
  const sources = lesson.sources.length ? `<h2>Sources</h2>\n<ul class="sources">${lesson.sources.map((s) => `<li>${escaped(s)}</li>`).join("")}</ul>\n` : "";
  const link = (l, word) => (l ? `<a href="#/learn/${l.id}">${word}: ${escaped(l.title)}</a>` : "<span></span>");
  const time = lesson.minutes === "0" ? "" : `<p class="eyebrow note">Lesson ${at + 1} · ${lesson.minutes} minutes</p>\n`;
  return `${time}<h1 tabindex="-1">${escaped(lesson.title)}</h1>\n${render(lesson, words)}${sources}<div class="pn">${link(before, "Before")}${link(next, "Next")}</div>\n`;
}

const entry = ({ id, title }, n) => `<li><a data-entry="${id}" href="#/learn/${id}"><i class="n">${n}</i><span>${escaped(title)}</span><small class="todo" id="l-state-${id}"></small></a></li>`;

/** The lesson that is part of the page. */
const FIRST = { id: "levels", title: "What a bit buys" };

async function main(stage) {
  const names = (await readdir(from)).filter((n) => n.endsWith(".md")).sort();
  const lessons = await Promise.all(names.map(async (n) => parse(await readFile(join(from, n), "utf8"), n)));
  const all = [FIRST, ...lessons], twice = all.find((l, i) => all.findIndex((m) => m.id === l.id) < i);
  if (twice) throw new Error(`two lessons have the id ${JSON.stringify(twice.id)}`);
  const words = glossary(lessons.find((l) => l.id === "words")?.text ?? "");
  await mkdir(join(stage, "lessons"), { recursive: true });
  for (const [i, l] of lessons.entries()) await writeFile(join(stage, "lessons", `${l.id}.html`), fragment(l, i + 1, all, words));
  const page = join(stage, "index.html"), html = await readFile(page, "utf8");
  const fill = (text, mark, by) => {
    if (!text.includes(mark)) throw new Error(`the page has no ${mark}`);
    return text.replace(mark, () => by);
  };
  const list = lessons.map((l, i) => entry(l, i + 2)).join("\n"), next = lessons[0];
  await writeFile(page, fill(fill(html, "<!--lessons-->", list), "<!--next-->", `<div class="pn"><a href="#/tensor">Try it on a tensor</a><a href="#/learn/${next.id}">Next: ${escaped(next.title)}</a></div>`));
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await main(resolve(process.argv[2]));
