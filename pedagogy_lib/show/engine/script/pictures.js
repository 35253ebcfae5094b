// Texts that were packed by packing.py: templates with holes, and what fills the holes.
// `row` tells which of the stored texts a state has, `text` writes it.
function unpack({ n, over, t, w, c, chain }) {
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
  const unchain = () => {
    let before = "";
    rows = chain.map(([start, end, middle]) => {
      before = before.slice(0, start) + middle + before.slice(before.length - end);
      return before;
    });
  };
  const text = (number) => {
    if (!rows) (chain ? unchain : prepare)();
    if (chain) return rows[number];
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
