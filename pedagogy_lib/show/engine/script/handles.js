// Direct manipulation: points of the picture that are dragged, and axes along which one points.
// What they set, the sliders below show: whoever cannot drag uses these.
function direct(figure, model, { size: [across, down], along, handles }) {
  const view = figure.querySelector(".pl-picture"), before = view.querySelector(".pl-over");
  const hidden = before?.hidden;
  before?.remove();
  if (!along.length && !handles.length) return;
  const over = document.createElement("div");
  over.className = "pl-over";
  over.hidden = !!hidden;
  view.append(over);
  // JupyterLab takes arrow keys for its own; so do page-turning themes.
  over.addEventListener("keydown", (event) => event.stopPropagation());
  const point = (event) => {
    const box = over.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width * across, (event.clientY - box.top) / box.height * down];
  };
  const place = (element, left, top) => {
    element.style.left = `${100 * left / across}%`;
    element.style.top = `${100 * top / down}%`;
  };
  along.forEach((axis) => over.append(pointing(axis, model, point, place, [across, down])));
  handles.forEach((handle) => over.append(dragging(handle, model, point, place)));
}

function nearest(places, wanted) {
  let best = 0;
  places.forEach((at, i) => { if (Math.abs(at - wanted) < Math.abs(places[best] - wanted)) best = i; });
  return best;
}

// Follow a pointer from its landing to its leaving; if the page scrolls instead, all is as before.
function follow(element, model, landed, moved) {
  let before = null;
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    before = [...model.state];
    element.setPointerCapture(event.pointerId);
    landed(event);
  });
  element.addEventListener("pointermove", (event) => { if (before) moved(event); });
  element.addEventListener("pointerup", () => { before = null; });
  element.addEventListener("pointercancel", () => {
    if (before) model.put(before);
    before = null;
  });
}

function pointing({ control, axis, at, box }, model, point, place, [across, down]) {
  const area = document.createElement("div"), [left, top, right, bottom] = box;
  area.className = `pl-along pl-along-${axis}`;
  place(area, left, top);
  area.style.width = `${100 * (right - left) / across}%`;
  area.style.height = `${100 * (bottom - top) / down}%`;
  const choose = (event) => model.put({ [control]: nearest(at, point(event)[axis === "x" ? 0 : 1]) });
  follow(area, model, choose, choose);
  return area;
}

function dragging({ label, x, y, xs, ys, at }, model, point, place) {
  const knob = document.createElement("div"), path = unpack(at), controls = [x, y].filter((c) => c !== null);
  knob.className = "pl-handle";
  const attributes = {
    tabindex: 0, role: "slider", "aria-label": label, "aria-valuemin": 0,
    "aria-valuemax": model.sizes[controls[0]] - 1, "aria-roledescription": controls.length > 1 ? "point in two directions" : "point",
  };
  for (const [name, value] of Object.entries(attributes)) knob.setAttribute(name, value);
  if (controls.length < 2) knob.setAttribute("aria-orientation", x === null ? "vertical" : "horizontal");

  let center = [0, 0], grip = [0, 0];
  const update = () => {
    center = path.text(path.row(model.index())).split(" ").map(Number);
    place(knob, ...center);
    knob.setAttribute("aria-valuenow", model.state[controls[0]]);
    knob.setAttribute("aria-valuetext", controls.map(model.say).join(", "));
  };
  model.watch(update);
  update();

  follow(knob, model, (event) => {
    const landed = point(event);
    grip = [landed[0] - center[0], landed[1] - center[1]]; // it does not jump under the finger
    event.preventDefault();
    knob.focus();
  }, (event) => {
    const [left, top] = point(event), changes = {};
    if (x !== null) changes[x] = nearest(xs, left - grip[0]);
    if (y !== null) changes[y] = nearest(ys, top - grip[1]);
    model.put(changes);
  });

  // Arrows move the point as they point, whichever way its axis runs.
  const right = x !== null && xs.at(-1) < xs[0] ? -1 : 1, up = y !== null && ys.at(-1) > ys[0] ? -1 : 1;
  const first = x ?? y, ahead = x === null ? 1 : right;  // on an upright path, right means more
  const step = (control, by) => model.put({ [control]: model.state[control] + by });
  const keys = {
    ArrowRight: () => step(first, ahead), ArrowLeft: () => step(first, -ahead),
    ArrowUp: () => step(y ?? x, y === null ? right : up), ArrowDown: () => step(y ?? x, y === null ? -right : -up),
    PageUp: () => step(y ?? x, 5 * (y === null ? right : up)), PageDown: () => step(y ?? x, -5 * (y === null ? right : up)),
    Home: () => model.put({ [first]: ahead > 0 ? 0 : Infinity }), End: () => model.put({ [first]: ahead > 0 ? Infinity : 0 }),
  };
  knob.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  return knob;
}
