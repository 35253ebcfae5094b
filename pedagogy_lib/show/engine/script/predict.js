// A question: the reader commits, then the figure tells.
function predict(figure, data) {
  const form = figure.querySelector(".pl-guess"), told = figure.querySelector(".pl-told");
  const inner = figure.querySelector("figure.pl-figure");
  const locked = inner ? [...inner.querySelectorAll(".pl-controls, .pl-over")] : [];
  locked.forEach((part) => { part.hidden = true; });
  form.hidden = false;
  form.addEventListener("keydown", (event) => event.stopPropagation());
  const narrow = data.narrow && inner.plVersion().background;
  const guess = guesses[data.kind](figure, narrow ? { ...data, ...data.narrow } : data, form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const complaint = guess.missing();
    if (complaint) return tell(complaint);
    figure.dataset.committed = "true";
    form.querySelectorAll("input, button").forEach((part) => { part.disabled = true; });
    form.querySelector("button").hidden = true;
    locked.forEach((part) => { part.hidden = false; });
    if (data.then !== null) inner.plMove(data.then);
    tell(guess.reveal());
    told.append(figure.querySelector(".pl-why"));
  });
  const tell = (text) => {
    const verdict = document.createElement("p");
    verdict.textContent = text;
    told.replaceChildren(verdict);
  };
}

const guesses = {
  choice(figure, data, form) {
    const chosen = () => form.querySelector("input:checked");
    return {
      missing: () => chosen() ? "" : "Choose one of the answers first.",
      reveal: () => {
        const mine = +chosen().value, labels = form.querySelectorAll("label");
        labels[mine].append(note("your guess"));
        labels[data.answer].classList.add("pl-true");
        labels[data.answer].append(note("the answer"));
        if (mine === data.answer) return `You guessed “${data.options[mine]}”, and so it is.`;
        return `You guessed “${data.options[mine]}”; the answer is “${data.options[data.answer]}”.`;
      },
    };
  },

  number(figure, data, form) {
    const input = form.querySelector("input"), unit = data.unit ? ` ${data.unit}` : "";
    const between = () => input.value !== "" && +input.value >= data.lo && +input.value <= data.hi;
    return {
      missing: () => between() ? "" : `Type a number from ${data.lo} to ${data.hi}${unit} first.`,
      reveal: () => {
        const line = document.createElement("div");
        line.className = "pl-line";
        line.setAttribute("aria-hidden", "true"); // the words say it
        const mark = (value, name, text) => {
          const tick = document.createElement("span");
          tick.className = name;
          tick.style.left = `${100 * (value - data.lo) / (data.hi - data.lo)}%`;
          tick.textContent = text;
          line.append(tick);
        };
        mark(+input.value, "pl-mine", `you: ${input.value}`);
        mark(data.answer, "pl-true", `truth: ${data.shown}`);
        form.append(line);
        return `You guessed ${input.value}${unit}; it is ${data.shown}.`;
      },
    };
  },

  place(figure, data) {
    const layer = pictureLayer(figure, data);
    const at = { x: Math.floor(data.xs.length / 2), y: Math.floor(data.ys.length / 2) };
    const knob = layer.knob(data.label);
    let touched = false, done = false;
    const words = () => [data.xtexts[at.x], data.ytexts[at.y]].filter(Boolean).join(", ");
    const put = (x, y) => {
      if (done) return;
      at.x = Math.max(0, Math.min(data.xs.length - 1, x));
      at.y = Math.max(0, Math.min(data.ys.length - 1, y));
      layer.place(knob, data.xs[at.x], data.ys[at.y]);
      knob.setAttribute("aria-valuenow", data.xs.length > 1 ? at.x : at.y);
      knob.setAttribute("aria-valuetext", words());
    };
    knob.setAttribute("aria-valuemin", 0);
    knob.setAttribute("aria-valuemax", (data.xs.length > 1 ? data.xs : data.ys).length - 1);
    put(at.x, at.y);
    const drag = (event) => {
      const [left, top] = layer.point(event);
      touched = true;
      put(nearest(data.xs, left), nearest(data.ys, top));
    };
    layer.follow(knob, drag);
    const right = data.xs.at(-1) < data.xs[0] ? -1 : 1, up = data.ys.at(-1) > data.ys[0] ? -1 : 1;
    layer.keys(knob, (across, upward) => {
      touched = true;
      if (data.xs.length === 1 && !upward) upward = across; // one way only: both pairs of arrows go it
      if (data.ys.length === 1 && !across) across = upward;
      put(at.x + right * across, at.y + up * upward);
    });
    return {
      missing: () => touched ? "" : "Move the ring in the picture first.",
      reveal: () => {
        done = true;
        knob.classList.add("pl-done");
        knob.append(note("your guess"));
        const truth = document.createElement("div");
        truth.className = "pl-truth";
        truth.append(note("the answer"));
        layer.over.append(truth);
        layer.place(truth, ...data.answer);
        return `You placed it at ${words()}; it belongs at ${data.shown}.`;
      },
    };
  },

  sketch(figure, data) {
    const layer = pictureLayer(figure, data), [left, top, right, bottom] = data.box;
    const first = data.answer[0][0], last = data.answer.at(-1)[0];
    const xs = Array.from({ length: data.knots }, (_, i) => first + (last - first) * i / (data.knots - 1));
    const ys = xs.map(() => (top + bottom) / 2);
    let touched = false, done = false;
    const area = document.createElement("div");
    area.className = "pl-paper";
    layer.place(area, left, top);
    layer.stretch(area, right - left, bottom - top);
    layer.over.append(area);
    const mine = layer.line("pl-mine");
    const value = (y) => data.low + (bottom - y) / (bottom - top) * (data.high - data.low);
    const knobs = xs.map((x, i) => layer.knob(`point ${i + 1} of ${xs.length} of your curve`));
    const put = (i, y) => {
      if (done) return;
      ys[i] = Math.max(top, Math.min(bottom, y));
      layer.place(knobs[i], xs[i], ys[i]);
      const height = Math.round(100 * (bottom - ys[i]) / (bottom - top));
      knobs[i].setAttribute("aria-valuenow", height);
      knobs[i].setAttribute("aria-valuetext", data.linear ? value(ys[i]).toPrecision(3) : `${height} % of the height`);
      mine.setAttribute("points", xs.map((x, k) => `${x},${ys[k]}`).join(" "));
    };
    knobs.forEach((knob, i) => {
      knob.classList.add("pl-knot");
      knob.setAttribute("aria-valuemin", 0);
      knob.setAttribute("aria-valuemax", 100);
      knob.setAttribute("aria-orientation", "vertical");
      put(i, ys[i]);
      layer.keys(knob, (across, upward) => { touched = true; put(i, ys[i] - (upward || across) * (bottom - top) / 20); });
    });
    // A quick stroke skips knots: those between two places of the pointer lie on the line between them.
    let before = null;
    const draw = (event, started) => {
      const now = layer.point(event), from = started || !before ? now : before;
      const [a, b] = from[0] < now[0] ? [from, now] : [now, from];
      xs.forEach((x, i) => {
        if (x >= a[0] && x <= b[0] && b[0] > a[0]) put(i, a[1] + (x - a[0]) / (b[0] - a[0]) * (b[1] - a[1]));
      });
      const close = nearest(xs, now[0]);
      if (started || Math.abs(xs[close] - now[0]) < Math.abs(xs[1] - xs[0]) / 6) put(close, now[1]);
      touched = true;
      before = now;
    };
    [area, ...knobs].forEach((part) => layer.follow(part, draw));
    return {
      missing: () => touched ? "" : "Draw your curve into the picture first.",
      reveal: () => {
        done = true;
        knobs.forEach((knob) => knob.remove());
        area.remove();
        layer.line("pl-true").setAttribute("points", data.answer.map((point) => point.join(",")).join(" "));
        layer.word("your guess", xs[0], ys[0], "pl-mine");
        layer.word("the answer", ...data.answer.at(-1), "pl-true");
        const gap = xs.reduce((sum, x, i) => sum + Math.abs(ys[i] - height(data.answer, x)), 0) / xs.length;
        const told = gap / (bottom - top) * Math.abs(data.high - data.low);
        const apart = data.linear ? told.toPrecision(2) : `${Math.round(100 * gap / (bottom - top))} % of the height`;
        return `Your curve and the true one stand in the picture; on average they are ${apart} apart. The true one is ${data.shown}.`;
      },
    };
  },
};

// The height of a broken line at x.
function height(line, x) {
  const i = Math.max(1, line.findIndex((point) => point[0] >= x - 1e-6)), [a, b] = [line[i - 1], line[i]];
  return a[1] + (x - a[0]) / (b[0] - a[0]) * (b[1] - a[1]);
}

function note(text) {
  const element = document.createElement("em");
  element.className = "pl-note";
  element.textContent = text;
  return element;
}

// A sheet over the picture of a question's figure, on which the guess is made.
function pictureLayer(figure, data) {
  const [across, down] = data.size, over = document.createElement("div");
  over.className = "pl-over pl-sheet";
  figure.querySelector(".pl-picture").append(over);
  over.addEventListener("keydown", (event) => event.stopPropagation());
  const place = (element, left, top) => {
    element.style.left = `${100 * left / across}%`;
    element.style.top = `${100 * top / down}%`;
  };
  return {
    over, place,
    point: (event) => {
      const box = over.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width * across, (event.clientY - box.top) / box.height * down];
    },
    stretch: (element, width, height) => {
      element.style.width = `${100 * width / across}%`;
      element.style.height = `${100 * height / down}%`;
    },
    knob: (label) => {
      const knob = document.createElement("div");
      knob.className = "pl-handle";
      knob.tabIndex = 0;
      knob.setAttribute("role", "slider");
      knob.setAttribute("aria-label", label);
      over.append(knob);
      return knob;
    },
    line: (name) => {
      over.insertAdjacentHTML("afterbegin",
        `<svg viewBox="0 0 ${across} ${down}" aria-hidden="true"><polyline class="${name}"/></svg>`);
      return over.querySelector("polyline");
    },
    word: (text, left, top, name) => {
      const word = note(text);
      word.classList.add(name);
      over.append(word);
      place(word, left, top);
    },
    follow: (element, moved) => {
      let held = false;
      element.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        held = true;
        element.setPointerCapture(event.pointerId);
        event.preventDefault();
        if (element.tabIndex === 0) element.focus();
        moved(event, true);
      });
      element.addEventListener("pointermove", (event) => { if (held) moved(event, false); });
      for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => { held = false; });
    },
    keys: (element, step) => {
      const ways = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1], PageUp: [0, 5], PageDown: [0, -5] };
      element.addEventListener("keydown", (event) => {
        if (!(event.key in ways) || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        step(...ways[event.key]);
      });
    },
  };
}
