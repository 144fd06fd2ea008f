// What the platform does better than Go: theme, routes before the app runs,
// files dropped and chosen, the clipboard, dialogs.

import { all, byId as $, route } from "./rooms.js";

const root = document.documentElement;

const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);

/** Binds what stands around the views; gives the host its part. */
export function bindShell({ running, keepFile, report, retheme }) {
  /** Opens what is found in the view that is open now. */
  const open = (what, find) => {
    const view = root.dataset.route;
    running.then(async () => {
      const page = globalThis.fewbitsPage;
      try {
        if (what) page.finding(what, view);
        const { file, name, url = "" } = await find();
        page.file(keepFile(file), name, view, url);
      } catch (e) { page.unfound(e.message, view); }
    });
  };
  const given = (files, entries = []) => {
    const [one] = files, more = files.length > 1 || one?.webkitRelativePath || entries.some((e) => e?.isDirectory);
    if (more) open("Looking through the files", async () => (await import("./files.js")).many(files, entries));
    else if (one) isReport(one).then((yes) => (yes ? running.then(() => report((r) => r.open(one))) : open("", () => ({ file: one, name: one.name }))));
  };

  const theme = $("theme");
  const named = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  named();
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember("fewbits.theme", root.dataset.theme);
    named();
    retheme();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { named(); retheme(); });

  addEventListener("hashchange", () => {
    if (globalThis.fewbitsPage) globalThis.fewbitsPage.went(location.hash);
    else route((/^#\/(\w+)/.exec(location.hash) || [, "tensor"])[1]);
  });
  foldOnNarrow();

  addEventListener("change", ({ target }) => {
    if (target.matches("#t-file, #m-file, [webkitdirectory]")) {
      given([...target.files]);
      target.value = "";
    }
  });
  bindDrop(given);

  $("keys").addEventListener("click", () => $("keysdialog").showModal());
  const single = $("keyson");
  single.checked = recall("fewbits.keys") !== "off";
  single.addEventListener("change", () => remember("fewbits.keys", single.checked ? "on" : "off"));

  return {
    openURL(url) { open("Asking " + url, async () => (await import("./files.js")).remote(url)); },
    showKeys() { $("keysdialog").showModal(); },
    /** Whether a key pressed there is a shortcut and not typing. */
    singleKeys(target) { return single.checked && !document.querySelector("dialog[open]") && !target.closest?.("input:not([type=radio],[type=checkbox],[type=range]), select, textarea, [role=listbox]"); },
    async copyLink() {
      const button = $("copylink");
      try {
        await navigator.clipboard.writeText(location.href);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Copy it from the address bar";
      }
      setTimeout(() => { button.textContent = "Copy link"; }, 2000);
    },
  };
}

/** Whether a file is a report of a run, as JSON or as a page. */
const isReport = async (f) => /\.(json|html)$/i.test(f.name) && /^\s*\{\s*"report": ?"fewbits"|<meta name="generator" content="Fewbits">/.test(await f.slice(0, 512).text().catch(() => ""));

/** The whole window takes dropped files and folders. */
function bindDrop(given) {
  const zone = $("dropzone");
  let depth = 0;
  const has = (e) => [...(e.dataTransfer?.types || [])].includes("Files");
  addEventListener("dragenter", (e) => { if (has(e)) { depth++; zone.hidden = false; } });
  addEventListener("dragleave", (e) => { if (has(e) && --depth <= 0) { depth = 0; zone.hidden = true; } });
  addEventListener("dragover", (e) => { if (has(e)) e.preventDefault(); });
  addEventListener("drop", (e) => {
    if (!has(e)) return;
    e.preventDefault();
    depth = 0;
    zone.hidden = true;
    const { files, items } = e.dataTransfer;
    given([...files], [...items].map((i) => i.webkitGetAsEntry()));
  });
}

/** On a phone the rail is folded: the source folds first, plots never. */
function foldOnNarrow() {
  const narrow = matchMedia("(max-width: 900px)");
  const fold = () => { for (const d of all("details[data-fold]")) d.open = !narrow.matches; };
  fold();
  root.dataset.folded = "";
  narrow.addEventListener("change", fold);
}

export function remember(key, value) { try { localStorage.setItem(key, value); } catch { /* storage may be off */ } }
export function recall(key) { try { return localStorage.getItem(key); } catch { return null; } }
