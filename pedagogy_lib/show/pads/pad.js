window.plPads = window.plPads || (function () {
"use strict";

// A network: layers of sums and nonlinearities, from one vector to another.
function network(layers) {
  const squash = { linear: (u) => u, tanh: Math.tanh, rectified: (u) => Math.max(0, u), logistic: (u) => 1 / (1 + Math.exp(-u)) };
  const stack = layers.map(({ rows, columns, kind, numbers }) => {
    const bytes = Uint8Array.from(atob(numbers), (letter) => letter.charCodeAt(0));
    return { rows, columns, activate: squash[kind], w: new Float32Array(bytes.buffer) };
  });
  return (input) => stack.reduce((z, { rows, columns, activate, w }) => {
    const out = new Float64Array(rows);
    for (let i = 0; i < rows; i++) {
      let u = w[rows * columns + i];
      for (let j = 0, at = i * columns; j < columns; j++) u += w[at + j] * z[j];
      out[i] = activate(u);
    }
    return out;
  }, input);
}

const softplus = (u) => Math.max(u, 0) + Math.log1p(Math.exp(-Math.abs(u)));
const logSum = (values) => {
  const top = values.reduce((a, b) => Math.max(a, b), -Infinity);
  return top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
};
const sum = (values) => values.reduce((a, b) => a + b, 0);
const signed = (value, digits = 2) => value.toFixed(digits).replace(/^-(0(\.0+)?)$/, "$1").replace("-", "\u2212");

function made(tag, attributes = {}, parent = null) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else element.setAttribute(name, value);
  }
  parent?.append(element);
  return element;
}

function pixels(parent, side, attributes) {
  const sheet = made("div", { class: "pl-pixels", style: `--pl-side:${side}`, ...attributes }, parent);
  const cells = Array.from({ length: side * side }, () => made("div", {}, sheet));
  const put = (values) => cells.forEach((cell, i) => cell.style.setProperty("--pl-ink-share", `${(100 * values[i]).toFixed(1)}%`));
  return { sheet, cells, put };
}

// A sheet of pixels to paint on: pointer, or arrow keys and space.
function paper(parent, side, examples, changed) {
  made("div", { class: "pl-title", text: "paint here" }, parent);
  const { sheet, cells, put } = pixels(parent, side, { role: "grid", "aria-label": "The picture that you paint", class: "pl-pixels pl-paint" });
  const state = new Float64Array(side * side);
  for (let row = 0; row < side; row++) {
    const line = made("div", { role: "row" }, sheet);
    for (let column = 0; column < side; column++) line.append(cells[row * side + column]);
  }
  cells.forEach((cell, i) => {
    cell.setAttribute("role", "gridcell");
    cell.setAttribute("aria-label", `row ${Math.floor(i / side) + 1}, column ${i % side + 1}`);
    cell.tabIndex = i ? -1 : 0;
  });
  const show = () => {
    put(state);
    cells.forEach((cell, i) => cell.setAttribute("aria-selected", String(state[i] > 0)));
    changed(state);
  };
  const set = (i, ink) => { if (state[i] !== ink) { state[i] = ink; show(); } };
  let ink = null;
  const under = (event) => {
    const box = sheet.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height].map((part) => Math.floor(part * side));
    return x < 0 || y < 0 || x >= side || y >= side ? null : y * side + x;
  };
  sheet.addEventListener("pointerdown", (event) => {
    const i = under(event);
    if (event.button !== 0 || i === null) return;
    event.preventDefault();
    sheet.setPointerCapture(event.pointerId);
    focus(i);
    set(i, ink = 1 - state[i]); // the first pixel says whether the stroke paints or wipes
  });
  sheet.addEventListener("pointermove", (event) => {
    const i = under(event);
    if (ink !== null && i !== null) set(i, ink);
  });
  for (const end of ["pointerup", "pointercancel"]) sheet.addEventListener(end, () => { ink = null; });
  const focus = (i) => {
    cells.forEach((cell, k) => { cell.tabIndex = k === i ? 0 : -1; });
    cells[i].focus({ preventScroll: true });
  };
  const ways = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  sheet.addEventListener("keydown", (event) => {
    const i = cells.indexOf(event.target), way = ways[event.key];
    if (i < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " || event.key === "Enter") set(i, 1 - state[i]);
    else if (way) {
      const row = Math.floor(i / side) + way[0], column = i % side + way[1];
      if (row >= 0 && column >= 0 && row < side && column < side) focus(row * side + column);
    } else return;
    event.preventDefault();
  });
  const tools = made("div", { class: "pl-tools" }, parent);
  const choice = made("select", { "aria-label": "A picture to begin with" }, tools);
  made("option", { value: "", text: "examples" }, choice);
  examples.forEach(({ name }, k) => made("option", { value: k, text: name }, choice));
  const copy = (bits) => { state.set(bits); show(); };
  choice.addEventListener("change", () => { if (choice.value !== "") copy([...examples[choice.value].bits].map(Number)); });
  const wipe = made("button", { type: "button", text: "Clear" }, tools);
  wipe.addEventListener("click", () => { choice.value = ""; copy(new Float64Array(side * side)); });
  return { copy };
}

// Log p(y, x) over a square of codes: what does not depend on the picture is computed once, a row at a
// time, so that the page does not stand still.
function onGrid(emission, half, n, ready) {
  const step = 2 * half / (n - 1), places = Array.from({ length: n }, (_, i) => -half + i * step), nodes = [];
  const row = (k) => {
    for (const x of places) {
      const eta = emission([x, places[k]]);
      nodes.push({ at: [x, places[k]], eta, rest: -(x * x + places[k] * places[k]) / 2 - Math.log(2 * Math.PI) - sum(eta.map(softplus)) });
    }
    if (k + 1 < n) setTimeout(row, 0, k + 1);
    else ready();
  };
  const posterior = (y) => {
    const joint = nodes.map(({ eta, rest }) => rest + eta.reduce((inner, u, d) => inner + u * y[d], 0));
    const whole = logSum(joint), weights = joint.map((value) => Math.exp(value - whole));
    const means = [0, 1].map((k) => sum(weights.map((w, i) => w * nodes[i].at[k])));
    const deviations = means.map((m, k) => Math.sqrt(sum(weights.map((w, i) => w * (nodes[i].at[k] - m) ** 2))));
    const edge = sum(weights.filter((_, i) => nodes[i].at.some((x) => Math.abs(x) > half - 2 * step)));
    return { logMarginal: whole + 2 * Math.log(step), weights, means, deviations, edge };
  };
  row(0);
  return { posterior, n, half };
}

// The evidence lower bound of a Gaussian guess, averaged over nodes of Gauss and Hermite.
function bound(emission, y, means, deviations, { nodes, shares }) {
  let energy = 0;
  nodes.forEach((a, i) => nodes.forEach((b, j) => {
    const eta = emission([means[0] + deviations[0] * a, means[1] + deviations[1] * b]);
    energy += shares[i] * shares[j] * eta.reduce((inner, u, d) => inner + softplus(u) - y[d] * u, 0);
  }));
  return -energy - sum(means.map((m, k) => (m * m + deviations[k] ** 2 - 1) / 2 - Math.log(deviations[k])));
}

function plane(parent, { half, marks, label }, moved) {
  made("div", { class: "pl-title", text: label }, parent);
  const square = made("div", { class: "pl-plane" }, parent);
  const field = made("div", { class: "pl-field", "aria-hidden": "true" }, square); // what may be cut off at its edge
  const shade = made("canvas", {}, field), brush = shade.getContext("2d");
  const place = (element, [x, y]) => {
    element.style.left = `${50 + 50 * x / half}%`;
    element.style.top = `${50 - 50 * y / half}%`;
  };
  for (let k = -Math.floor(half); k <= half; k++) {
    for (const axis of ["x", "y"]) {
      const tick = made("span", { class: `pl-tick pl-tick-${axis}`, text: signed(k, 0), "aria-hidden": "true" }, square);
      tick.style[axis === "x" ? "left" : "top"] = `${50 + (axis === "x" ? 50 : -50) * k / half}%`;
    }
  }
  marks.forEach(({ name, at }) => place(made("span", { class: "pl-name", text: name }, field), at));
  const ring = made("div", { class: "pl-ring" }, field);
  const knob = made("div", { class: "pl-handle", tabindex: 0, role: "slider", "aria-label": "the star, whose picture is shown",
    "aria-valuemin": -half, "aria-valuemax": half, "aria-roledescription": "point in two directions" }, square);
  let at = [0, 0];
  const put = (to) => {
    at = to.map((x) => Math.max(-half, Math.min(half, x)));
    place(knob, at);
    knob.setAttribute("aria-valuenow", at[0].toFixed(2));
    knob.setAttribute("aria-valuetext", `first latent ${signed(at[0])}, second latent ${signed(at[1])}`);
    moved(at);
  };
  const under = (event) => {
    const box = square.getBoundingClientRect();
    return [half * (2 * (event.clientX - box.left) / box.width - 1), half * (1 - 2 * (event.clientY - box.top) / box.height)];
  };
  let grip = null;
  knob.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const landed = under(event);
    grip = [landed[0] - at[0], landed[1] - at[1]];
    knob.setPointerCapture(event.pointerId);
    event.preventDefault();
    knob.focus({ preventScroll: true });
  });
  knob.addEventListener("pointermove", (event) => { if (grip) put(under(event).map((x, k) => x - grip[k])); });
  for (const end of ["pointerup", "pointercancel"]) knob.addEventListener(end, () => { grip = null; });
  square.addEventListener("click", (event) => { if (event.target !== knob) put(under(event)); });
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  knob.addEventListener("keydown", (event) => {
    const way = ways[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    put(at.map((x, k) => x + way[k] * (event.shiftKey ? 0.5 : 0.1)));
  });
  return {
    put,
    ellipse: (means, deviations) => {
      place(ring, means);
      ring.style.width = `${200 * deviations[0] / half}%`;
      ring.style.height = `${200 * deviations[1] / half}%`;
    },
    density: ({ weights }, { n, half: reach }) => {
      const color = getComputedStyle(square).getPropertyValue("--pl-blue").trim(), top = Math.max(...weights);
      shade.width = shade.height = n;
      brush.clearRect(0, 0, n, n);
      brush.fillStyle = color;
      weights.forEach((weight, i) => {
        brush.globalAlpha = 0.9 * weight / top;
        brush.fillRect(i % n, n - 1 - Math.floor(i / n), 1, 1);
      });
      shade.style.width = shade.style.height = `${100 * (reach / half) * n / (n - 1)}%`;
    },
  };
}

function row(table, name) {
  const line = made("tr", {}, table);
  made("th", { scope: "row", text: name }, line);
  const cells = [0, 1].map(() => made("td", {}, line));
  return (means, deviations) => cells.forEach((cell, k) => {
    cell.textContent = means ? `${signed(means[k])} \u00b1 ${deviations[k].toFixed(2)}` : "\u2026";
  });
}

function autoencoder(figure, data, bench, said) {
  const recognition = network(data.recognition), emission = network(data.emission), side = data.side;
  const decoded = (x) => emission(x).map((u) => 1 / (1 + Math.exp(-u)));
  const [left, middle, right] = ["pl-left", "pl-middle", "pl-right"].map((name) => made("div", { class: name }, bench));
  const numbers = made("table", {}, made("div", { class: "pl-numbers" }, bench));
  const head = made("tr", {}, numbers);
  for (const name of ["", "first latent", "second latent"]) made(name ? "th" : "td", name ? { scope: "col", text: name } : {}, head);
  const guessed = row(numbers, "recognition network"), exact = row(numbers, "exact posterior");
  const state = { picture: null, exact: null };
  figure.plState = state;

  const map = plane(middle, { half: data.half, marks: data.marks, label: "its code" }, (at) => {
    state.at = at;
    state.decoded = [...decoded(at)];
    view?.put(state.decoded);
    view?.sheet.setAttribute("aria-label", `The picture of the star: ${sum(state.decoded).toFixed(0)} black pixels on average`);
  });
  made("div", { class: "pl-title", text: "the star decoded" }, right);
  const view = pixels(right, side, { role: "img" });
  const back = made("button", { type: "button", text: "Star to the code" }, made("div", { class: "pl-tools" }, right));
  back.addEventListener("click", () => map.put(state.means));

  let grid = null;
  const compare = () => {
    if (!state.gridReady) return exact(null);
    const found = grid.posterior(state.picture);
    state.exact = { means: found.means, deviations: found.deviations, logMarginal: found.logMarginal };
    map.density(found, grid);
    exact(found.means, found.deviations);
    const cost = -found.logMarginal, told = -state.bound;
    said.textContent = `The picture costs ${cost.toFixed(1)} nats. The bound says ${told.toFixed(1)}: the guess costs ${Math.max(0, told - cost).toFixed(1)}.`
      + (found.edge > 0.001 ? " Its posterior reaches beyond the square that was summed." : "");
  };
  const sheet = paper(left, side, data.examples, (picture) => {
    const out = recognition(picture);
    state.picture = [...picture];
    state.means = [out[0], out[1]];
    state.deviations = [Math.exp(out[2]), Math.exp(out[3])];
    state.bound = bound(emission, picture, state.means, state.deviations, data.hermite);
    guessed(state.means, state.deviations);
    map.ellipse(state.means, state.deviations);
    map.put(state.means);
    compare();
  });
  sheet.copy([...data.examples[data.first].bits].map(Number));
  const begin = () => { grid = grid || onGrid(emission, data.reach, data.n, () => { state.gridReady = true; compare(); }); };
  new IntersectionObserver((seen, observer) => {
    if (seen.some((entry) => entry.isIntersecting)) { observer.disconnect(); begin(); }
  }, { rootMargin: "400px" }).observe(figure);
}

function classifier(figure, data, bench, said) {
  const net = network(data.network), [left, right] = ["pl-left", "pl-bars"].map((name) => made("div", { class: name }, bench));
  const state = figure.plState = {};
  made("div", { class: "pl-title", text: "what the network says" }, right);
  const bars = data.names.map((name) => {
    const line = made("div", { class: "pl-bar" }, right);
    made("span", { text: name }, line);
    const track = made("span", { class: "pl-track" }, line);
    return { bar: made("span", {}, track), text: made("span", { class: "pl-share" }, line), line };
  });
  const words = (share) => share > 0.9995 ? "> 99.9 %" : share < 0.0005 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
  const sheet = paper(left, data.side, data.examples, (picture) => {
    const eta = [...net(picture.map((ink) => ink * data.scale))], whole = logSum(eta);
    state.picture = [...picture];
    state.probabilities = eta.map((u) => Math.exp(u - whole));
    const best = state.probabilities.indexOf(Math.max(...state.probabilities));
    bars.forEach(({ bar, text, line }, k) => {
      const share = state.probabilities[k];
      bar.style.width = `${100 * share}%`;
      text.textContent = words(share);
      line.classList.toggle("pl-best", k === best);
    });
    said.textContent = `The network says ${data.names[best]}, with a probability of ${words(state.probabilities[best]).replace("> ", "more than ")}.`;
  });
  sheet.copy([...data.examples[data.first].bits].map(Number));
}

// A recurrent network that reads letters. What is drawn comes from numbers of a fixed seed.
function languageModel(figure, data, bench, said) {
  const [hidden, output] = data.reader.map((layer) => network([layer])), symbols = data.symbols, K = data.initial.length;
  const [left, right] = ["pl-left", "pl-bars"].map((name) => made("div", { class: name }, bench));
  const state = figure.plState = { uniforms: [] }, longest = 300, drawn = 40;
  const clean = (text) => [...text.toLowerCase()].map((c) => symbols.includes(c) ? c : symbols[0]).join("").replace(/^ +/, "").replace(/ {2,}/g, " ");
  const step = (z, k) => {
    const both = new Float64Array(K + symbols.length);
    both.set(z);
    both[K + k] = 1;
    return hidden(both);
  };
  const believed = (z, temperature) => { // at temperature zero the likeliest alone
    const eta = [...output(z)], top = Math.max(...eta);
    if (temperature === 0) return eta.map((u) => Number(u === top));
    const weights = eta.map((u) => Math.exp((u - top) / temperature)), whole = sum(weights);
    return weights.map((w) => w / whole);
  };
  const read = (text) => { // a space before all, for a sentence that begins
    let z = step(data.initial, 0);
    const bits = [...text].map((letter) => {
      const k = symbols.indexOf(letter), cost = -Math.log2(believed(z, 1)[k]);
      z = step(z, k);
      return cost;
    });
    return { z, bits };
  };
  const uniform = (() => { // mulberry32
    let a = 20;
    return () => {
      a = (a + 0x6D2B79F5) | 0;
      let t = Math.imul(a ^ (a >>> 15), 1 | a);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  })();

  made("div", { class: "pl-title", text: "write here" }, left);
  const page = made("textarea", { rows: 3, spellcheck: "false", autocapitalize: "off", autocomplete: "off", maxlength: longest, "aria-label": "The text that the network reads" }, left);
  const tools = made("div", { class: "pl-tools" }, left);
  const choice = made("select", { "aria-label": "A text to begin with" }, tools);
  data.beginnings.forEach((text, k) => made("option", { value: k, text }, choice));
  const go = made("button", { type: "button", text: "Go on" }, tools);
  const warmth = made("label", { class: "pl-warmth" }, left), told = made("span", {}, warmth);
  const slider = made("input", { type: "range", min: 0, max: 2, step: 0.1, value: 1 }, warmth);
  made("div", { class: "pl-title", text: "what each letter cost" }, left);
  const priced = made("p", { class: "pl-priced" }, left);

  made("div", { class: "pl-title", text: "the next letter" }, right);
  const lines = Array.from({ length: Math.min(8, symbols.length) }, () => {
    const line = made("div", { class: "pl-bar" }, right), name = made("span", {}, line);
    return { line, name, bar: made("span", {}, made("span", { class: "pl-track" }, line)), text: made("span", { class: "pl-share" }, line) };
  });
  const called = (letter) => letter === " " ? "\u2423" : letter;
  const show = () => {
    const temperature = Number(slider.value), { z, bits } = read(clean(page.value));
    Object.assign(state, { text: clean(page.value), bits, temperature, z, probabilities: believed(z, temperature) });
    told.textContent = `temperature ${temperature.toFixed(1)}`;
    priced.replaceChildren(...[...state.text].map((letter, i) => {
      const span = made("span", { text: letter, title: `${bits[i].toFixed(1)} bits` });
      span.style.setProperty("--pl-price", `${Math.min(65, 8 * bits[i]).toFixed(0)}%`);
      return span;
    }));
    const order = state.probabilities.map((_, k) => k).sort((a, b) => state.probabilities[b] - state.probabilities[a] || a - b);
    lines.forEach(({ line, name, bar, text }, rank) => {
      const share = state.probabilities[order[rank]];
      name.textContent = called(symbols[order[rank]]);
      bar.style.width = `${100 * share}%`;
      text.textContent = share > 0.9995 ? "> 99.9 %" : share < 0.0005 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
      line.classList.toggle("pl-best", rank === 0);
    });
    const whole = sum(bits), n = bits.length;
    said.textContent = n ? `${n} letters and spaces cost ${whole.toFixed(0)} bits, ${(whole / n).toFixed(2)} each.` : "Nothing is written yet.";
  };
  const goOn = () => {
    let text = clean(page.value);
    if (text.length > longest - drawn) text = text.slice(drawn - longest).replace(/^\S* /, ""); // the oldest words go
    let { z } = read(text);
    const temperature = Number(slider.value);
    for (let i = 0; i < drawn; i++) {
      const u = uniform(), p = believed(z, temperature);
      let k = 0, below = p[0];
      while (below <= u && k < p.length - 1) below += p[++k];
      state.uniforms.push(u);
      text += symbols[k];
      z = step(z, k);
    }
    page.value = text;
    show();
  };
  const begin = () => { page.value = data.beginnings[choice.value]; show(); };
  page.addEventListener("input", show);
  slider.addEventListener("input", show);
  choice.addEventListener("change", begin);
  go.addEventListener("click", goOn);
  choice.value = data.first;
  begin();
}

function start() {
  for (const figure of document.querySelectorAll("figure.pl-pad:not([data-pad])")) {
    figure.dataset.pad = figure.dataset.ready = "true";
    const data = JSON.parse(figure.querySelector(":scope > script[type='application/json']").textContent);
    const bench = made("div", { class: "pl-bench", role: "group", "aria-label": data.label });
    const said = made("p", { class: "pl-said", role: "status" });
    // JupyterLab takes arrow keys, space and letters for its own; so do page-turning themes.
    bench.addEventListener("keydown", (event) => event.stopPropagation());
    figure.querySelector(".pl-view").after(bench, said);
    (data.reader ? languageModel : data.network ? classifier : autoencoder)(figure, data, bench, said);
  }
}
return start;
})();
window.plPads();
