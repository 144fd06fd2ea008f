// Runs before the first paint: the view and the theme that the page opens in.
(() => {
  const root = document.documentElement;
  const route = /^#\/(tensor|model|compare|learn)/.exec(location.hash);
  root.dataset.route = route ? route[1] : "tensor";
  root.dataset.scripts = ""; // what they fold is folded from the start
  if (/^#\/learn\/(?!levels)\w/.test(location.hash)) root.dataset.lesson = ""; // not the one that is part of the page
  if (/\/embed(\.html)?$/.test(location.pathname)) root.dataset.embed = ""; // an exercise alone, in a frame
  try {
    const theme = localStorage.getItem("fewbits.theme");
    if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  } catch { /* storage may be off */ }
})();
