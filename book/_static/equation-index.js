// The equation index, filtered by words, section and verdict. Without this script it is a plain table.
(() => {
  const table = document.querySelector("table.ledger-index");
  if (!table) return;
  const rows = [...table.tBodies[0].rows].map((row) => ({
    row,
    text: row.textContent.toLowerCase(),
    section: row.cells[0].textContent.trim(),
    verdict: row.cells[3].textContent.trim(),
  }));

  const labeled = (name, control) => {
    const label = document.createElement("label");
    label.append(name, control);
    return label;
  };
  const choice = (key, all) => {
    const select = document.createElement("select");
    select.append(new Option(all, ""));
    for (const value of new Set(rows.map((item) => item[key]))) select.append(new Option(value, value));
    return select;
  };
  const words = document.createElement("input");
  words.type = "search";
  const section = choice("section", "all");
  const verdict = choice("verdict", "all");
  const count = document.createElement("output");
  const form = document.createElement("form");
  form.className = "ledger-filter";
  form.setAttribute("role", "search");
  form.setAttribute("aria-label", "Filter the equations");
  form.append(labeled("Words", words), labeled("Section", section), labeled("Verdict", verdict), count);

  const apply = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of rows) {
      const fits = wanted.every((word) => item.text.includes(word))
        && (!section.value || item.section === section.value)
        && (!verdict.value || item.verdict === verdict.value);
      item.row.hidden = !fits;
      shown += fits;
    }
    count.value = `${shown} of ${rows.length} shown`;
  };
  // A link to an equation finds it, whatever the filter says.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || !target.hidden) return;
    form.reset();
    apply();
    target.scrollIntoView();
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", reveal);
  (table.closest(".pst-scrollable-table-container") || table).before(form);
  apply();
})();
