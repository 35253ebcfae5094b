// Figures without a kernel: put the stored frame that the controls ask for on the stage.
// Runs wherever a page or JupyterLab shows a figure. Each figure may bring this text along;
// only the first one defines it.
window.plFigure = window.plFigure || (function () {
"use strict";

const PAUSE = "M6 5h4v14H6zM14 5h4v14h-4z";

// Texts that were packed by packing.py: templates with holes, and what fills the holes.
// `row` tells which of the stored texts a state has, `text` writes it.
function unpack({ n, over, t, w, c }) {
  let templates = null, rows = null, tables = null;
  const prepare = () => {
    templates = t.map((template) => template.split(/\{(\w\d*)\}/)); // literal, hole, literal, ...
    const which = w ? table(w, 1) : null, seen = t.map(() => 0);
    const count = over.reduce((product, axis) => product * n[axis], 1);
    rows = Array.from({ length: count }, (_, i) => {
      const k = which ? which[i] : 0;
      return [k, seen[k]++];
    });
    tables = c.map((data, k) => table(data, width(templates[k])));
  };
  const row = (state) => {
    let result = 0, scale = 1;
    for (let axis = n.length - 1; axis >= 0; axis--) {
      if (over.includes(axis)) {
        result += (state % n[axis]) * scale;
        scale *= n[axis];
      }
      state = Math.floor(state / n[axis]);
    }
    return result;
  };
  const text = (number) => {
    if (!rows) prepare();
    const [k, at] = rows[number], parts = templates[k], numbers = tables[k];
    let out = "", next = at * width(parts);
    parts.forEach((part, i) => {
      if (i % 2 === 0) return out += part;
      if (part === "L") return out += "{";
      for (let times = +part.slice(1) || 1; times > 0; times--) out += written(part[0], numbers[next++], out);
    });
    return out;
  };
  return { row, text };
}

function width(parts) {
  return parts.reduce((sum, part, i) => sum + (i % 2 && part !== "L" ? +part.slice(1) || 1 : 0), 0);
}

// Differences between rows, seven bits to a byte, the sign in the last bit.
function table(data, columns) {
  const bytes = atob(data), out = [];
  let value = 0, scale = 1;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes.charCodeAt(i);
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte < 128) {
      const step = value % 2 ? -(value + 1) / 2 : value / 2;
      out.push(step + (out.length < columns ? 0 : out[out.length - columns]));
      value = 0;
      scale = 1;
    }
  }
  return out;
}

function written(kind, value, before) {
  if (kind === "n") return value.toString(36);
  const decimals = "ABCDEFG".indexOf(kind);
  if (decimals >= 0) return (value / 10 ** decimals).toFixed(decimals);
  let text = kind === "6" ? (value / 1e6).toFixed(6).replace(/\.?0+$/, "") : String(kind === "2" ? value / 100 : value);
  text = text.replace(/^(-?)0\./, "$1.");
  return text[0] !== "-" && /\d$/.test(before.slice(-1)) ? " " + text : text;
}

// A picture drawn whole is runs of lines: [first, count, first, count, ...].
function whole(data, stage, id) {
  const lines = data.lines.split("\n");
  return (index) => {
    const runs = data.frames[index], out = [];
    for (let i = 0; i < runs.length; i += 2) {
      for (let k = runs[i]; k < runs[i] + runs[i + 1]; k++) out.push(lines[k]);
    }
    stage.innerHTML = out.join("").replaceAll("~", id + "-");
  };
}

// Of a figure drawn once, only the marks that differ from what is shown are replaced.
function moved(data, stage, id) {
  const marks = data.marks.map((packed, k) => ({
    ...unpack(packed), place: stage.querySelector(`[data-mark="${k}"]`), shown: -1,
  }));
  return (index) => marks.forEach((mark) => {
    const row = mark.row(index);
    if (row === mark.shown) return;
    mark.place.innerHTML = mark.text(row).replaceAll("~", id + "-");
    mark.shown = row;
  });
}

function setUp(figure) {
  const element = figure.querySelector(":scope > script[type='application/json']");
  if (!element) return;
  figure.dataset.ready = "true";
  const data = JSON.parse(element.textContent), stage = figure.querySelector(".pl-stage");
  const style = document.createElement("style");
  const rules = data.styles.map((s, i) => `#${figure.id} .s${i}{${s}}`).join("");
  style.textContent = rules.replaceAll("~", figure.id + "-"); // a hatch is referred to by its id
  figure.append(style);
  const draw = (data.marks ? moved : whole)(data, stage, figure.id), alts = unpack(data.alts);
  const show = (index) => {
    draw(index);
    stage.setAttribute("aria-label", alts.text(alts.row(index)));
  };
  const controls = figure.querySelector(".pl-controls");
  controls.hidden = false;
  // JupyterLab takes arrow keys, space and letters for its own; so do page-turning themes.
  controls.addEventListener("keydown", (event) => event.stopPropagation());
  if (figure.classList.contains("pl-animate")) animate(figure, data, show);
  else explore(figure, data, show);
}

function explore(figure, data, show) {
  const inputs = [...figure.querySelectorAll(".pl-controls input, .pl-controls select")];
  const update = () => {
    let index = 0;
    inputs.forEach((input, i) => {
      const { label, texts } = data.controls[i];
      const value = input.type === "checkbox" ? +input.checked : +input.value;
      index = index * texts.length + value;
      if (input.type === "range") {
        input.setAttribute("aria-valuetext", `${label}: ${texts[value]}`);
        input.nextElementSibling.textContent = texts[value];
      }
    });
    show(index);
  };
  inputs.forEach((input) => input.addEventListener("input", update));
}

function animate(figure, data, show) {
  const count = data.alts.n[0], range = figure.querySelector("input[type=range]");
  const output = figure.querySelector("output"), controls = figure.querySelector(".pl-controls");
  const button = (action) => controls.querySelector(`[data-action=${action}]`);
  const icon = button("play").querySelector("path"), triangle = icon.getAttribute("d");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let index = 0, timer = null;

  const go = (to) => {
    index = Math.min(count - 1, Math.max(0, to));
    range.value = index;
    const text = `${data.label} ${index + 1} of ${count}`;
    range.setAttribute("aria-valuetext", text);
    output.textContent = text;
    // aria-disabled, not disabled: a button that vanishes under the finger loses the focus.
    for (const action of ["first", "back"]) mark(button(action), index === 0);
    for (const action of ["step", "last"]) mark(button(action), index === count - 1);
    show(index);
  };
  const mark = (element, off) => element.setAttribute("aria-disabled", String(off));
  const face = (playing) => {
    icon.setAttribute("d", playing ? PAUSE : triangle);
    button("play").setAttribute("aria-label", playing ? "Pause" : "Play");
    button("play").title = playing ? "Pause" : "Play";
    output.setAttribute("aria-live", playing ? "off" : "polite");
  };
  const pause = () => {
    clearInterval(timer);
    timer = null;
    face(false);
  };
  const tick = () => {
    if (!figure.isConnected) return pause();
    go(index + 1);
    if (index === count - 1) pause();
  };
  const play = () => {
    if (still.matches) return;
    if (index === count - 1) go(0);
    timer = setInterval(tick, data.interval);
    face(true);
  };
  const actions = {
    first: () => go(0), back: () => go(index - 1), step: () => go(index + 1), last: () => go(count - 1),
  };
  controls.addEventListener("click", (event) => {
    const action = event.target.closest("[data-action]")?.dataset.action;
    if (!action) return;
    if (action === "play") return timer ? pause() : play();
    pause();
    actions[action]();
  });
  // On a button, the arrow keys step as they do on the slider.
  const keys = { ArrowLeft: "back", ArrowRight: "step", Home: "first", End: "last" };
  controls.addEventListener("keydown", (event) => {
    if (!(event.key in keys)) return;
    pause();
    if (event.target === range) return; // it moves by itself
    event.preventDefault();
    actions[keys[event.key]]();
  });
  range.addEventListener("pointerdown", pause);
  range.addEventListener("input", () => { pause(); go(+range.value); });
  still.addEventListener("change", pause);
  // On paper stands the last step, with all that happened.
  const paper = window.matchMedia("print");
  paper.addEventListener("change", () => show(paper.matches ? count - 1 : index));
  go(0);
}

// The same figure shown twice on one page would have every id twice.
function separate(figure) {
  const twins = document.querySelectorAll(`[id="${figure.id}"]`);
  if (twins.length < 2 || twins[0] === figure) return figure;
  let number = 2;
  while (document.getElementById(`${figure.id}-${number}`)) number++;
  const holder = document.createElement("div");
  holder.innerHTML = figure.outerHTML.replaceAll(figure.id, `${figure.id}-${number}`);
  const copy = holder.firstElementChild;
  figure.replaceWith(copy);
  return copy;
}

return function () {
  document.querySelectorAll("figure.pl-figure:not([data-ready])").forEach((figure) => {
    setUp(separate(figure));
  });
};
})();
window.plFigure();
