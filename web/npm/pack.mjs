// node web/npm/pack.mjs STAGE FOLDER: makes the npm package in FOLDER out of
// the sources, with the program of a staged site, and puts it into STAGE as
// fewbits.tgz. It needs no network.
import { execFileSync } from "node:child_process";
import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { rollup } from "@rollup/wasm-node";
import { minify } from "terser";

const here = dirname(fileURLToPath(import.meta.url)), web = dirname(here);
const [stage, folder] = process.argv.slice(2).map((p) => resolve(p));
const program = join(stage, "wasm/fewbits.wasm"), exec = join(stage, "wasm/wasm_exec.js");

/** One module of all that it imports but what the package has in files of their own. */
async function bundle(input, plugin) {
  const b = await rollup({
    input, external: [/^node:/, "./engine.js"], plugins: [{ name: "parts", ...plugin }], preserveEntrySignatures: "strict",
    onwarn(warning) { throw new Error(warning.message); },
  });
  const { output: [{ code }] } = await b.generate({ format: "es" });
  await b.close();
  return code;
}

const worker = (await minify(await bundle(join(web, "js/worker.js"), {
  resolveId: (id) => (id.endsWith("/wasm_exec.js") ? exec : null),
}), { module: true, format: { comments: /Copyright/ } })).code;

/** The module with its parts from a file of this folder. */
const module = (parts) => bundle(join(here, "module.js"), {
  resolveId: (id) => (id === "./parts.js" ? join(here, parts) : id === "fewbits:worker" ? id : null),
  load: (id) => (id === "fewbits:worker" ? `export default ${JSON.stringify(worker)};` : null),
});

await rm(folder, { recursive: true, force: true });
await mkdir(join(folder, "files"), { recursive: true });
const put = (name, text) => writeFile(join(folder, name), text);
const copy = (from, name) => cp(from, join(folder, name));
await Promise.all([
  put("fewbits.js", await module("parts-inside.js")),
  put("engine.js", `export default "${gzipSync(await readFile(program), { level: 9 }).toString("base64")}";\n`),
  put("node.js", await module("parts-node.js")),
  put("files/fewbits.js", await module("parts-files.js")),
  put("files/worker.js", worker + "\n"),
  copy(program, "files/fewbits.wasm"),
  copy(join(here, "script.js"), "files/script.js"),
  copy(join(web, "../LICENSE"), "LICENSE"),
  ...["package.json", "README.md", "GO-LICENSE", "fewbits.d.ts", "node-worker.js"].map((name) => copy(join(here, name), name)),
]);

const { name, version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
execFileSync("npm", ["pack", "--offline", "--ignore-scripts", "--loglevel=error", "--pack-destination", dirname(folder)], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
await rename(join(dirname(folder), `${name}-${version}.tgz`), join(stage, "fewbits.tgz"));
