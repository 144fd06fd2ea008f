// What the command writes, read by Hugging Face's own readers of safetensors
// and GGUF: names, shapes, types, and where the bytes lie.
import { after, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, open, readFile, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gguf, GGMLQuantizationType } from "@huggingface/gguf";
import { parseSafetensorsMetadata } from "@huggingface/hub";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../.."), command = process.env.FEWBITS_COMMAND || join(root, ".cache/fewbits");
const skip = existsSync(command) ? false : "no fewbits command: ./build.sh test builds it";
const model = join(root, "web/samples/tale-small.gguf"), dir = await mkdtemp(join(tmpdir(), "fewbits-readers-"));
after(() => rm(dir, { recursive: true, force: true }));

const run = async (...args) => (await promisify(execFile)(command, args, { timeout: 60_000, maxBuffer: 1 << 26 })).stdout;

/** A folder in the place of the hub: parts of files, as it answers for them. */
const hub = (folder) => async (url, { headers } = {}) => {
  const path = join(folder, new URL(url).pathname.replace(/^.*\/(resolve|raw)\/[^/]+\//, ""));
  if (!existsSync(path)) return new Response("Entry not found", { status: 404, headers: { "X-Error-Code": "EntryNotFound" } });
  const { size } = await stat(path), range = /bytes=(\d+)-(\d+)/.exec(new Headers(headers).get("Range"));
  const from = range ? +range[1] : 0, to = range ? Math.min(+range[2] + 1, size) : size, bytes = Buffer.alloc(to - from), file = await open(path);
  await file.read(bytes, 0, bytes.length, from);
  await file.close();
  return new Response(bytes, { status: range ? 206 : 200, headers: { ETag: '"1"', "Content-Length": `${bytes.length}`, ...range && { "Content-Range": `bytes ${from}-${to - 1}/${size}` } } });
};

/** Where the tensors of a header lie, which must leave no byte out and share none. */
function whole(header, size) {
  let at = 0;
  for (const [name, { data_offsets: [from, to] }] of Object.entries(header).filter(([k]) => k !== "__metadata__").sort(([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0])) {
    assert.equal(from, at, name);
    at = to;
  }
  assert.equal(at, size);
}

/** The bytes of tensors in a safetensors file. */
async function room(path) {
  const b = await readFile(path);
  return b.length - 8 - Number(b.readBigUInt64LE(0));
}

for (const [as, to, options] of [["bitsandbytes", "nf4", ["nested=true"]], ["compressed-tensors", "int4", ["group=32"]], ["gptq", "int4", ["group=32"]]]) {
  test(`safetensors of ${as}, in several files with their index`, { skip }, async () => {
    const out = join(dir, as);
    await run("quantize", model, "-to", to, "-as", as, "-o", out, "-shard", "200KB", ...options);
    const read = await parseSafetensorsMetadata({ repo: "some/model", fetch: hub(out), computeParametersCount: true });
    const files = (await readdir(out)).filter((n) => n.endsWith(".safetensors")).sort();
    assert.ok(read.sharded && files.length > 1);
    assert.deepEqual(Object.keys(read.headers).sort(), files);
    const map = {};
    for (const name of files) {
      whole(read.headers[name], await room(join(out, name)));
      for (const tensor of Object.keys(read.headers[name])) if (tensor !== "__metadata__") map[tensor] = name;
    }
    assert.deepEqual(read.index.weight_map, map);
    assert.ok(Object.keys(map).some((n) => n.startsWith("model.layers.0.self_attn.q_proj.")));
  });
}

test("one file of safetensors", { skip }, async () => {
  const out = join(dir, "one");
  await run("quantize", model, "-to", "FP8_E4M3", "-o", join(dir, "model.safetensors"));
  await run("quantize", model, "-to", "int8", "-as", "mlx", "-o", out);
  for (const folder of [dir, out]) {
    const read = await parseSafetensorsMetadata({ repo: "some/model", fetch: hub(folder) });
    assert.equal(read.sharded, false);
    whole(read.header, await room(join(folder, "model.safetensors")));
  }
});

test("GGUF of several recipes", { skip }, async () => {
  for (const recipe of ["Q4_K_M", "IQ4_XS", "Q8_0"]) {
    const out = join(dir, `${recipe}.gguf`);
    await run("quantize", model, "-to", recipe, "-o", out);
    const read = await gguf(out, { allowLocalFile: true }), ours = JSON.parse(await run("inspect", "-json", out));
    assert.equal(read.metadata["general.architecture"], "llama");
    const start = Number(read.tensorDataOffset);
    assert.deepEqual(
      read.tensorInfos.map((t) => [t.name, GGMLQuantizationType[t.dtype], t.shape.map(Number).reverse(), start + Number(t.offset)]),
      ours.tensors.map((t) => [t.name, t.type, t.shape, t.offset]), recipe);
  }
});
