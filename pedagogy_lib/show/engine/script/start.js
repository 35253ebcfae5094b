function setUp(figure) {
  figure.dataset.ready = "true";
  if (figure.classList.contains("pl-pad")) return; // its own script sets it up
  const element = figure.querySelector(":scope > script[type='application/json']");
  if (!element) return;
  const data = JSON.parse(element.textContent);
  if (figure.classList.contains("pl-predict")) {
    const inner = figure.querySelector("figure.pl-figure:not([data-ready])");
    if (inner) setUp(separate(inner));
    return predict(figure, data);
  }
  const stage = figure.querySelector(".pl-stage"), style = document.createElement("style");
  const rules = data.styles.map((s, i) => `#${figure.id} .s${i}{${s}}`).join("");
  style.textContent = rules.replaceAll("~", figure.id + "-"); // a hatch is referred to by its id
  figure.append(style);
  const alts = unpack(data.alts), versions = twoVersions(figure, data, stage);
  let shown = null;
  const show = (index) => {
    shown = index;
    versions.draw(index);
    stage.setAttribute("aria-label", alts.text(alts.row(index)));
  };
  const controls = figure.querySelector(".pl-controls");
  controls.hidden = false;
  // JupyterLab takes arrow keys, space and letters for its own; so do page-turning themes.
  controls.addEventListener("keydown", (event) => event.stopPropagation());
  const moving = figure.classList.contains("pl-animate") ? animate(figure, data, show) : explore(figure, data, show);
  // For the question around a figure: how to move it, and which version it shows.
  Object.assign(figure, { plMove: moving.put, plVersion: versions.now });
  const fit = () => {
    if (!versions.fit()) return;
    show(shown ?? moving.index());
    moving.refit?.(versions.now());
  };
  moving.refit?.(data);
  fit();
  // A guess that lies on one version of a picture cannot move to the other.
  if (data.narrow && !figure.parentElement.closest(".pl-predict")) new ResizeObserver(fit).observe(figure);
}

// A figure drawn once has a version for phones, which takes the place of the other when there is
// little room.
function twoVersions(figure, data, stage) {
  const wide = stage.innerHTML, width = figure.style.getPropertyValue("--pl-width");
  let version = data, draw = (data.live ? drawnByPython : data.marks ? moved : whole)(data, stage, figure.id);
  return {
    draw: (index) => draw(index),
    now: () => version,
    fit: () => {
      const room = figure.clientWidth;
      const wanted = data.narrow && room && room < 440 ? data.narrow : data;
      if (wanted === version) return false;
      version = wanted;
      stage.innerHTML = wanted === data ? wide : wanted.background.replaceAll("~", figure.id + "-");
      figure.style.setProperty("--pl-width", wanted === data ? width : `${wanted.width}in`);
      draw = moved(wanted, stage, figure.id);
      return true;
    },
  };
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

// A question stands before the figure inside it, and sets that up itself.
function start() {
  const waiting = () => document.querySelector("figure.pl-figure:not([data-ready])");
  for (let figure = waiting(); figure; figure = waiting()) setUp(separate(figure));
}
