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

function start() {
  document.querySelectorAll("figure.pl-figure:not([data-ready])").forEach((figure) => {
    setUp(separate(figure));
  });
}
