// Figures without a kernel: put the stored frame that the controls ask for on the stage.
// Runs wherever a page or JupyterLab shows a figure. Each figure may bring this text along;
// only the first one defines it.
window.plFigure = window.plFigure || (function () {
"use strict";

const PAUSE = "M6 5h4v14H6zM14 5h4v14h-4z";

// A frame is runs of lines: [first, count, first, count, ...]. "~" stands for the figure's id.
function decode(data, lines, index, id) {
  const runs = data.frames[index], out = [];
  for (let i = 0; i < runs.length; i += 2) {
    for (let k = runs[i]; k < runs[i] + runs[i + 1]; k++) out.push(lines[k]);
  }
  return out.join("").replaceAll("~", id + "-");
}

function setUp(figure) {
  const element = figure.querySelector(":scope > script[type='application/json']");
  if (!element) return;
  figure.dataset.ready = "true";
  const data = JSON.parse(element.textContent), lines = data.lines.split("\n");
  const stage = figure.querySelector(".pl-stage");
  const style = document.createElement("style");
  const rules = data.styles.map((s, i) => `#${figure.id} .s${i}{${s}}`).join("");
  style.textContent = rules.replaceAll("~", figure.id + "-"); // a hatch is referred to by its id
  figure.append(style);
  const show = (index) => {
    stage.innerHTML = decode(data, lines, index, figure.id);
    stage.setAttribute("aria-label", data.alts[index]);
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
  const count = data.frames.length, range = figure.querySelector("input[type=range]");
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
