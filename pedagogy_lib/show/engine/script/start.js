function setUp(figure) {
  figure.dataset.ready = "true";
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
  const draw = (data.marks ? moved : whole)(data, stage, figure.id), alts = unpack(data.alts);
  const show = (index) => {
    draw(index);
    stage.setAttribute("aria-label", alts.text(alts.row(index)));
  };
  const controls = figure.querySelector(".pl-controls");
  controls.hidden = false;
  // JupyterLab takes arrow keys, space and letters for its own; so do page-turning themes.
  controls.addEventListener("keydown", (event) => event.stopPropagation());
  // For the question around a figure: how to move it.
  figure.plMove = figure.classList.contains("pl-animate") ? animate(figure, data, show) : explore(figure, data, show).put;
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
