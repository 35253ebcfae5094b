// What the reader set, as the number of a value for each control, and the sliders that show it.
function explore(figure, data, show) {
  const inputs = [...figure.querySelectorAll(".pl-controls :is(input, select)")];
  const sizes = data.controls.map((control) => control.texts.length);
  const read = (input) => input.type === "checkbox" ? +input.checked : +input.value;
  const state = inputs.map(read), watchers = [];
  const say = (i) => `${data.controls[i].label}: ${data.controls[i].texts[state[i]]}`;

  const index = () => state.reduce((whole, value, i) => whole * sizes[i] + value, 0);
  const put = (changes) => {
    for (const [i, value] of Object.entries(changes)) {
      const input = inputs[i];
      state[i] = Math.max(0, Math.min(sizes[i] - 1, value));
      if (input.type === "checkbox") input.checked = !!state[i];
      else input.value = state[i];
      if (input.type === "range") {
        input.setAttribute("aria-valuetext", say(i));
        input.nextElementSibling.textContent = data.controls[i].texts[state[i]];
      }
    }
    show(index());
    watchers.forEach((watcher) => watcher());
  };
  inputs.forEach((input, i) => {
    input.addEventListener("input", () => put({ [i]: read(input) }));
    unlessSwiped(input, () => state[i], (value) => put({ [i]: value }));
  });
  const model = { state, sizes, put, say, index, watch: (watcher) => watchers.push(watcher) };
  const refit = (version) => {
    watchers.length = 0;
    direct(figure, model, version);
  };
  return { put, index, refit };
}

// A finger that lands on a slider on its way down the page moves it before the browser knows that
// the page is to scroll. Then the pointer is canceled, and the slider goes back.
function unlessSwiped(input, value, put) {
  let before = null;
  input.addEventListener("pointerdown", () => { before = value(); });
  input.addEventListener("pointercancel", () => { if (before !== null) put(before); before = null; });
}
