// The four views. Only the open one is in the document: a reader, a search
// and a label find one thing of a name, and what is out of sight costs nothing.

const root = document.documentElement;
const stage = document.getElementById("stage");
const rooms = [...stage.querySelectorAll("[data-view]")];

/** Opens a view and takes the others out of the document. */
export function route(view) {
  root.dataset.route = view;
  for (const r of rooms) {
    if (r.dataset.view !== view) r.remove();
    else if (!r.isConnected) stage.append(r);
  }
}

/** Every element that a selector matches, in the document or in a view that is not open. */
export function all(selector) {
  return [...document.querySelectorAll(selector), ...rooms.filter((r) => !r.isConnected).flatMap((r) => [...r.querySelectorAll(selector)])];
}

/** The element of that id, wherever it is. */
export function byId(id) { return document.getElementById(id) ?? all(`[id="${id}"]`)[0] ?? null; }

route(root.dataset.route);
