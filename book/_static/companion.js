// A formula or table wider than the page scrolls by itself; let the keyboard reach it.
// Only what really overflows becomes a tab stop, so narrow formulas stay out of the way.
(() => {
  const wide = "mjx-container[display='true'], mjx-container.wide, .pst-scrollable-table-container, div.highlight pre, .output pre";
  // A formula within a line cannot be broken: where it is wider than its paragraph, it gets a line
  // of its own that scrolls.
  const unline = () => {
    for (const formula of document.querySelectorAll("article mjx-container:not([display])")) {
      formula.classList.remove("wide");
      const paragraph = formula.closest("p, li, dd, td, th, figcaption, summary, div");
      const room = paragraph.clientWidth;
      if (room && formula.getBoundingClientRect().width > room) formula.classList.add("wide");
    }
  };
  const reach = () => {
    unline();
    for (const box of document.querySelectorAll(`article :is(${wide})`)) {
      const overflows = box.scrollWidth > box.clientWidth + 1;
      if (overflows && !box.hasAttribute("tabindex")) {
        box.setAttribute("tabindex", "0");
        box.dataset.reachable = "true";
      } else if (!overflows && box.dataset.reachable) {
        box.removeAttribute("tabindex");
        delete box.dataset.reachable;
      }
    }
  };
  const start = async () => {
    if (window.MathJax?.startup?.promise) await window.MathJax.startup.promise;
    reach();
    addEventListener("resize", reach);
    document.addEventListener("toggle", reach, true);
  };
  addEventListener("load", start);
})();
