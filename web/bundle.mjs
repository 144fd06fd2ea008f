// node web/bundle.mjs STAGE: joins the modules below STAGE/js to a few small
// files, in place, and the style sheets to one without what only people read.
// What is only asked for later stays a file of its own.
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { rollup } from "@rollup/wasm-node";
import { minify } from "terser";

const stage = resolve(process.argv[2]), js = join(stage, "js");

/** What has an address of its own: the page, what runs before it, the workers, the module. */
const entries = ["boot", "page", "worker", "writer", "llama", "fewbits"];

/** The size of llama.cpp's program, for what fetches it; and what a server sends for it and what starts it, for what offers it. */
const sizes = {
  "fewbits:llama": async () => (await program()).length,
  "fewbits:llama-sent": async () => small(await program()) + small(await readFile(join(stage, "vendor/wllama.js"))),
};
const program = () => readFile(join(stage, "wasm/wllama.wasm"));
const small = (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_LGWIN]: 24 } }).length;

const bundle = await rollup({
  input: Object.fromEntries(entries.map((name) => [name, join(js, `${name}.js`)])),
  external: [join(stage, "wasm/wasm_exec.js"), join(stage, "vendor/wllama.js")], // Go's own, and no module; small already
  plugins: [{ name: "sizes", resolveId: (id) => (sizes[id] ? id : null), load: async (id) => (sizes[id] ? `export default ${await sizes[id]()};` : null) }],
  makeAbsoluteExternalsRelative: true,
  preserveEntrySignatures: "strict",
  onwarn(warning) { throw new Error(warning.message); },
});
const { output } = await bundle.generate({ dir: js, format: "es", chunkFileNames: "[name].part.js", minifyInternalExports: true });
await bundle.close();

for (const name of await readdir(js)) await rm(join(js, name), { recursive: true });
await rm(join(stage, "vendor/uPlot.esm.js"));

for (const { fileName, code } of output) {
  const small = await minify(code, { module: true, compress: { passes: 2 }, format: { comments: /@license|^!/ } });
  await writeFile(join(js, fileName), small.code + "\n");
}

// The style sheets of the page become one, in the order of their links.
const page = join(stage, "index.html"), link = /<link rel="stylesheet" href="a\/dev\/css\/([^"]+)">\n/g;
const html = await readFile(page, "utf8"), names = [...html.matchAll(link)].map((m) => m[1]);
const css = (await Promise.all(names.map((name) => readFile(join(stage, "css", name), "utf8")))).join("\n");
for (const name of names) await rm(join(stage, "css", name));
await writeFile(join(stage, "css/site.css"), css.replace(/\/\*[^]*?\*\//g, "").replace(/\s+/g, " ").replace(/ ?([{};]) ?/g, "$1").replace(/;}/g, "}"));
let first = true;
await writeFile(page, html.replace(link, () => (first ? ((first = false), '<link rel="stylesheet" href="a/dev/css/site.css">\n') : "")));
