// A formula or table wider than the page scrolls by itself; let the keyboard reach it.
// Only what really overflows becomes a tab stop, so narrow formulas stay out of the way.
(() => {
  const FORMULA = "article mjx-container";
  const BOX = ".pst-scrollable-table-container, div.highlight pre, .output pre";

  // A formula within a line cannot be broken: where it is wider than its paragraph, it gets a line
  // of its own that scrolls.
  const isWide = (formula) => {
    const room = formula.closest("p, li, dd, td, th, figcaption, summary, div").clientWidth;
    return room > 0 && formula.getBoundingClientRect().width > room;
  };
  const letReach = (box) => {
    const overflows = box.scrollWidth > box.clientWidth + 1;
    if (overflows && box.getAttribute("tabindex") !== "0") {
      box.dataset.before = box.getAttribute("tabindex") ?? "";
      box.setAttribute("tabindex", "0");
    } else if (!overflows && "before" in box.dataset) {
      if (box.dataset.before) box.setAttribute("tabindex", box.dataset.before);
      else box.removeAttribute("tabindex");
      delete box.dataset.before;
    }
    const reached = box.getAttribute("tabindex") === "0"; // by us, or by the theme
    if (reached && !box.hasAttribute("role")) {
      const what = box.matches("pre") ? "code" : box.matches("mjx-container") ? "formula" : "table";
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", `${what}, wider than its box`);
      box.dataset.named = "true";
    } else if (!reached && box.dataset.named) {
      ["role", "aria-label"].forEach((name) => box.removeAttribute(name));
      delete box.dataset.named;
    }
  };
  // All is measured before anything is changed: else the browser would lay the page out each time.
  const fit = (formulas, boxes) => {
    const inline = formulas.filter((formula) => !formula.hasAttribute("display"));
    inline.forEach((formula) => formula.classList.remove("wide"));
    const wide = inline.filter(isWide);
    wide.forEach((formula) => formula.classList.add("wide"));
    [...formulas.filter((formula) => formula.hasAttribute("display")), ...wide, ...boxes].forEach(letReach);
  };
  const all = (selector) => [...document.querySelectorAll(selector)];
  const fitAll = () => fit(all(FORMULA), all(`article :is(${BOX})`));

  // Formulas are set when they come near the window: each is fitted then.
  let fresh = new Set();
  const note = (records) => {
    for (const { type, target } of records) if (type === "attributes" && target.matches(BOX)) fit([], [target]);
    for (const { addedNodes } of records) for (const node of addedNodes) {
      if (node.nodeType !== 1) continue;
      if (node.matches(BOX)) fit([], [node]); // the theme wraps tables when it starts
      const formula = node.closest("mjx-container");
      if (formula) fresh.add(formula);
    }
    if (fresh.size) requestAnimationFrame(() => {
      const formulas = [...fresh].filter((formula) => formula.isConnected);
      fresh = new Set();
      fit(formulas, [...new Set(formulas.map((formula) => formula.closest(BOX)).filter(Boolean))]);
    });
  };
  const start = () => {
    fitAll();
    const article = document.querySelector("article");
    if (article) new MutationObserver(note).observe(article, { childList: true, subtree: true, attributeFilter: ["tabindex"] });
    addEventListener("resize", fitAll);
    document.addEventListener("toggle", (event) => {
      const inside = (selector) => [...event.target.querySelectorAll(selector)];
      fit(inside("mjx-container"), inside(BOX));
    }, true);
  };
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", start);
  else start();
})();
