// What opening more than a file on this machine takes, loaded when it is asked
// for: folders, several files, files on a server. What it gives is {name, file,
// url}: file is what goes to the workers, an array of {name, file}, a Blob each,
// or {name, url, size, tag} of one that they read from a server.

/** As many files as a model and what lies around it may have. */
const MOST = 5000;

/** Files that were chosen or dropped, and the entries of what was dropped, which may be folders. */
export async function many(files, entries) {
  const folders = entries.filter((e) => e?.isDirectory);
  let list = [...files].map((file) => ({ name: file.webkitRelativePath || file.name, file }));
  if (folders.length) {
    list = [];
    for (const e of entries) if (e) await walk(e, "", list);
  }
  list = list.filter(({ name }) => !/(^|\/)\./.test(name));
  const top = folders[0]?.name ?? (files[0]?.webkitRelativePath ? files[0].webkitRelativePath.split("/")[0] : "");
  if (!list.length) throw new Error(`${top || "what was given"} holds no files; open a folder with a model in it`);
  list.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { name: top || title(list), file: list };
}

/** Of several files the one that stands for them: the index, or the first that holds weights. */
function title(list) {
  const like = (r) => list.find(({ name }) => r.test(name))?.name;
  return like(/\.index\.json$/i) ?? like(/\.(gguf|safetensors)$/i) ?? list[0].name;
}

/** Adds the files of an entry. Those that systems and programs hide are left out. */
async function walk(entry, folder, list) {
  const name = folder + entry.name;
  if (entry.name.startsWith(".")) return;
  if (list.length >= MOST) throw new Error(`there are more than ${MOST} files in the folder; open the one of the model alone`);
  if (entry.isFile) return void list.push({ name, file: await new Promise((ok, no) => entry.file(ok, no)) });
  const reader = entry.createReader();
  for (;;) { // a reader gives some at a time, and none at the end
    const some = await new Promise((ok, no) => reader.readEntries(ok, no));
    if (!some.length) return;
    for (const e of some) await walk(e, name + "/", list);
  }
}

/** What describes a model, beside its weights; there may be any of these. */
const BESIDE = ["tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "generation_config.json", "chat_template.jinja", "chat_template.json"];

const SHARD = /^(.+)-\d{5}-of-(\d{5})(\.\w+)$/;

/**
 * A file on a server, the other parts of the model with it: those that its
 * name, or the index that it is, speaks of, and the description beside them.
 */
export async function remote(text) {
  let url;
  try { url = new URL(text.trim()); } catch { throw new Error(`${JSON.stringify(text)} is no URL: it begins with https:// and names a file`); }
  const near = /^(localhost|127\.0\.0\.1)$/.test(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && near)) throw new Error(`a URL begins with https:// (http:// only on this machine); download the file and open it from disk`);
  const name = nameOf(url);
  if (!name) throw new Error(`${url} names no file; take the address of the file itself, as its Download button has it`);
  const beside = (n) => Object.assign(new URL(url), { pathname: url.pathname.replace(/[^/]*$/, n.split("/").map(encodeURIComponent).join("/")) });
  const head = await probe(url);
  let list = [head];
  const shard = SHARD.exec(name);
  if (/\.index\.json$/i.test(name)) {
    const names = [...new Set(Object.values((await index(url))?.weight_map ?? {}))].map(String);
    if (names.length >= MOST) throw new Error(`${name} names ${names.length} files; at most ${MOST} are read`);
    list.push(...await all(names, beside));
  } else if (shard && Number(shard[2]) > 1 && Number(shard[2]) < MOST) {
    const n = Number(shard[2]), names = Array.from({ length: n }, (_, i) => `${shard[1]}-${String(i + 1).padStart(5, "0")}-of-${shard[2]}${shard[3]}`);
    list = await all(names, beside, { [name]: head });
  }
  if (/\.(safetensors|index\.json)$/i.test(name)) {
    const config = await probe(beside("config.json")).catch(() => null);
    if (config) list.push(config, ...(await Promise.all(BESIDE.map((n) => probe(beside(n)).catch(() => null)))).filter(Boolean));
  }
  const folder = folderOf(url);
  return { name, file: list.map((f) => ({ ...f, name: folder + f.name })), url: String(url) };
}

const readable = (s) => { try { return decodeURIComponent(s); } catch { return s; } };
const nameOf = (url) => readable(url.pathname.split("/").pop());

/** The folder that a file lies in, "x/", by which a model may be called; Hugging Face puts a branch between the two. */
function folderOf(url) {
  const folder = /([^/]+)(?:\/(?:resolve|raw|blob)\/[^/]+)?\/[^/]*$/.exec(readable(url.pathname))?.[1];
  return folder && !folder.startsWith(".") ? folder + "/" : "";
}

/** Asks for several files at once; those that are known already are not asked for. */
const all = (names, beside, known = {}) => Promise.all(names.map(async (n) => ({ ...(known[n] ?? await probe(beside(n))), name: n })));

const INSTEAD = "download the file and open it from disk";

const ask = (url, options) => fetch(url, { credentials: "omit", referrerPolicy: "no-referrer", ...options });

async function index(url) {
  try { return await (await ask(url)).json(); } catch { throw new Error(`${nameOf(url)} at ${url.host} cannot be read as JSON; is it the file itself?`); }
}

/** Asks for the first byte, which tells whether a server can be read from, and the size. */
async function probe(url) {
  const name = nameOf(url), stop = new AbortController();
  let r;
  try {
    r = await ask(url, { headers: { Range: "bytes=0-0" }, signal: stop.signal });
  } catch {
    throw new Error(`${url.host} does not answer, or does not let other sites read ${name} (it sends no Access-Control-Allow-Origin); ${INSTEAD}`);
  }
  const { status, headers } = r;
  if (status !== 206) stop.abort(); // not the whole file
  if (status === 404 || status === 410) throw new Error(`${url.host} has no ${name} there (it answers ${status}); see to the URL`);
  if (status === 401 || status === 403) throw new Error(`${url.host} does not give ${name} to anyone (it answers ${status}); sign in there, ${INSTEAD}`);
  if (status === 200) throw new Error(`${url.host} sends ${name} only whole (it ignores requests for a range); ${INSTEAD}`);
  if (status !== 206) throw new Error(`${url.host} answers ${status} for ${name}; try again later, or ${INSTEAD}`);
  const size = Number(/\/(\d+)$/.exec(headers.get("Content-Range") || "")?.[1] ?? await length(url));
  if (!(size > 0)) throw new Error(`${url.host} does not say how large ${name} is (neither Content-Range nor Content-Length can be read); ${INSTEAD}`);
  return { name, url: String(url), size, tag: headers.get("ETag") || headers.get("Last-Modified") || "" };
}

/** The size as an answer without a body has it, where the range's own cannot be read. */
async function length(url) {
  try { return (await ask(url, { method: "HEAD" })).headers.get("Content-Length"); } catch { return 0; }
}
