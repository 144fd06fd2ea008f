// Runs before the first paint: the view and the theme that the page opens in.
(() => {
  const root = document.documentElement;
  const route = /^#\/(tensor|model|compare|learn)/.exec(location.hash);
  root.dataset.route = route ? route[1] : "tensor";
  try {
    const theme = localStorage.getItem("fewbits.theme");
    if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  } catch { /* storage may be off */ }
})();
