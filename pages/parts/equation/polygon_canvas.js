// A polygon drawn with the mouse: a click adds a vertex, on a side between its two; dragging moves one, a double click
// takes it away. What is drawn is told once the button is released.
const NS = "http://www.w3.org/2000/svg";
const WIDTH = 420, HEIGHT = 300, PAD = 26;

function node(name, attributes, parent) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.appendChild(made);
  return made;
}

function frameOf(vertices) {
  let [x0, y0, x1, y1] = [0, 0, 1, 1];
  if (vertices.length) {
    const xs = vertices.map((v) => v[0]), ys = vertices.map((v) => v[1]);
    [x0, y0, x1, y1] = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  }
  const size = Math.max(x1 - x0, y1 - y0) || 1;
  [x0, x1, y0, y1] = [x0 - 0.3 * size, x1 + 0.3 * size, y0 - 0.3 * size, y1 + 0.3 * size];
  const scale = Math.min((WIDTH - 2 * PAD) / (x1 - x0), (HEIGHT - 2 * PAD) / (y1 - y0));
  [x0, y0] = [(x0 + x1) / 2 - WIDTH / 2 / scale, (y0 + y1) / 2 - HEIGHT / 2 / scale];
  const power = 10 ** Math.floor(Math.log10(60 / scale));
  const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k * scale >= 36);
  return { x0, y0, scale, step, snap: step / 10 };
}

class Canvas {
  constructor(root) {
    this.svg = node("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "canvas" }, root);
    this.svg.onpointerdown = (event) => this.pressed(event);
    this.svg.onpointermove = (event) => this.moved(event);
    this.svg.onpointerup = () => this.released();
  }

  given(vertices, send) {
    this.send = send;
    if (this.dragged !== undefined || JSON.stringify(vertices) === JSON.stringify(this.vertices)) return;
    this.vertices = vertices;
    this.frame = frameOf(vertices);
    this.draw();
  }

  at([x, y]) {
    return [(x - this.frame.x0) * this.frame.scale, HEIGHT - (y - this.frame.y0) * this.frame.scale];
  }

  place(event) {
    const box = this.svg.getBoundingClientRect(), { x0, y0, scale, snap } = this.frame;
    const x = x0 + ((event.clientX - box.left) / box.width) * (WIDTH / scale);
    const y = y0 + (1 - (event.clientY - box.top) / box.height) * (HEIGHT / scale);
    const digits = Math.max(0, Math.ceil(-Math.log10(snap)) + 1);
    return [x, y].map((v) => Number((Math.round(v / snap) * snap).toFixed(digits)));
  }

  pressed(event) {
    if (event.button) return;
    event.preventDefault();
    this.svg.setPointerCapture(event.pointerId);
    const on = event.target.dataset;
    if (on.vertex !== undefined) {
      // no `dblclick`: with the pointer captured it is the canvas's, and what lies below the pointer was drawn anew
      const again = this.pressedLast === on.vertex && event.timeStamp - this.pressedAt < 400;
      [this.pressedLast, this.pressedAt] = [on.vertex, event.timeStamp];
      if (again) return this.removed(Number(on.vertex));
      this.dragged = Number(on.vertex);
    } else {
      const where = on.side === undefined ? this.vertices.length : Number(on.side) + 1;
      const name = on.side === undefined ? "" : this.vertices[on.side][2];
      this.vertices.splice(where, 0, [...this.place(event), name]);
      this.dragged = where;
      this.changed = true;
    }
    this.draw();
  }

  moved(event) {
    if (this.dragged === undefined) return;
    const [x, y] = this.place(event), vertex = this.vertices[this.dragged];
    if (vertex[0] === x && vertex[1] === y) return;
    [vertex[0], vertex[1], this.changed] = [x, y, true];
    this.draw();
  }

  released() {
    this.dragged = undefined;
    if (this.changed) this.tell();
  }

  removed(vertex) {
    this.dragged = this.pressedLast = undefined;
    if (this.vertices.length <= 3) return;
    this.vertices.splice(vertex, 1);
    this.draw();
    this.tell();
  }

  tell() {
    this.changed = false;
    this.send("drawn", JSON.stringify(this.vertices));
  }

  draw() {
    this.svg.replaceChildren();
    const { x0, y0, scale, step } = this.frame;
    for (let x = Math.ceil(x0 / step) * step; x < x0 + WIDTH / scale; x += step) this.line(0, x, step);
    for (let y = Math.ceil(y0 / step) * step; y < y0 + HEIGHT / scale; y += step) this.line(1, y, step);
    const corners = this.vertices.map((vertex) => this.at(vertex));
    if (corners.length > 2) node("polygon", { points: corners.join(" "), class: "inside" }, this.svg);
    corners.forEach((corner, k) => {
      const next = corners[(k + 1) % corners.length];
      const ends = { x1: corner[0], y1: corner[1], x2: next[0], y2: next[1] };
      node("line", { ...ends, class: "side" }, this.svg);
      node("line", { ...ends, class: "wide", "data-side": k }, this.svg);
      const name = this.vertices[k][2];
      if (name) {
        const middle = { x: (corner[0] + next[0]) / 2, y: (corner[1] + next[1]) / 2 - 4 };
        node("text", { ...middle, class: "name" }, this.svg).textContent = name;
      }
    });
    corners.forEach(([cx, cy], k) => node("circle", { cx, cy, r: 6, class: "vertex", "data-vertex": k }, this.svg));
  }

  line(axis, value, step) {
    const [x, y] = this.at(axis ? [this.frame.x0, value] : [value, this.frame.y0]);
    const ends = axis ? { x1: 0, x2: WIDTH, y1: y, y2: y } : { y1: 0, y2: HEIGHT, x1: x, x2: x };
    node("line", { ...ends, class: "grid" }, this.svg);
    const at = axis ? { x: 3, y: y - 3 } : { x: x + 3, y: HEIGHT - 4 };
    node("text", { ...at, class: "tick" }, this.svg).textContent = Number(value.toPrecision(6));
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".polygon");
  root.canvas ??= new Canvas(root);
  root.canvas.given(JSON.parse(data.vertices), setTriggerValue);
}
