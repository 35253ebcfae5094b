const PAUSE = "M6 5h4v14H6zM14 5h4v14h-4z";

function animate(figure, data, show) {
  const count = data.alts.n[0], range = figure.querySelector("input[type=range]");
  const output = figure.querySelector("output"), controls = figure.querySelector(".pl-controls");
  const button = (action) => controls.querySelector(`[data-action=${action}]`);
  const icon = button("play").querySelector("path"), triangle = icon.getAttribute("d");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const counts = unpack(data.counts);
  let index = 0, timer = null;

  const go = (to) => {
    index = Math.min(count - 1, Math.max(0, to));
    range.value = index;
    const text = counts.text(counts.row(index));
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
  unlessSwiped(range, () => index, go);
  range.addEventListener("pointerdown", pause);
  range.addEventListener("input", () => { pause(); go(+range.value); });
  still.addEventListener("change", pause);
  // On paper stands the last step, with all that happened.
  const paper = window.matchMedia("print");
  paper.addEventListener("change", () => show(paper.matches ? count - 1 : index));
  go(0);
  return { put: go, index: () => index };
}
