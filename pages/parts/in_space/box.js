// The ruled box around a scene and its colour bar: lines on the three sides behind, numbers and titles at their edges.

const OTHER = [[1, 2], [2, 0], [0, 1]];
const SHORTEST = 40; // pixels of an edge that has numbers
const FAINT = 0.35, BAR = 13; // pixels of a colour bar's breadth

// Where in the box a number of an axis lies, and which number lies at a place.
const inBox = (box, axis, number) => ((number - box.lows[axis]) / (box.highs[axis] - box.lows[axis]) - 0.5) * box.sides[axis];
const onAxis = (box, axis, place) => box.lows[axis] + (place / box.sides[axis] + 0.5) * (box.highs[axis] - box.lows[axis]);

// For each axis the side of the box that lies behind, seen from a camera: -1 or 1.
const behind = (camera) => camera.eye.map((at) => (at >= 0 ? -1 : 1));

function ruledBox(box, camera, many) {
  const half = box.sides.map((side) => side / 2), back = behind(camera), grid = [], edges = [];
  const at = (axis, along, first, second) => {
    const place = [0, 0, 0];
    place[axis] = along;
    place[OTHER[axis][0]] = first;
    place[OTHER[axis][1]] = second;
    return place;
  };
  const labels = [0, 1, 2].map((axis) => (box.titles[axis] ? ticks(box.lows[axis], box.highs[axis], many) : []));
  for (const axis of [0, 1, 2]) {
    const [j, k] = OTHER[axis];
    for (const first of [-1, 1]) for (const second of [-1, 1]) {
      if (first !== back[j] && second !== back[k]) continue;
      edges.push(...at(axis, -half[axis], first * half[j], second * half[k]), ...at(axis, half[axis], first * half[j], second * half[k]));
    }
    for (const [number] of labels[axis]) { // across the sides behind: along k on j's, along j on k's
      const along = inBox(box, axis, number);
      grid.push(...at(axis, along, back[j] * half[j], -half[k]), ...at(axis, along, back[j] * half[j], half[k]));
      grid.push(...at(axis, along, -half[j], back[k] * half[k]), ...at(axis, along, half[j], back[k] * half[k]));
    }
  }
  const outlines = [0, 1, 2].map((axis) => {
    const [j, k] = OTHER[axis];
    return [[back[j], -back[k]], [-back[j], back[k]]].map(([first, second]) =>
      (along) => at(axis, along, first * half[j], second * half[k]));
  });
  return { grid: Float32Array.from(grid), edges: Float32Array.from(edges), labels, outlines, half };
}

// Numbers and titles of the three axes. `onCanvas` takes a place of the box to pixels, `pen` is a 2D context.
function writeRulers(pen, box, rules, onCanvas, size) {
  const middle = onCanvas([0, 0, 0]), taken = [];
  for (const axis of [0, 1, 2]) {
    if (!box.titles[axis]) continue;
    const seen = rules.outlines[axis].map((edge) => {
      const [a, b] = [onCanvas(edge(-rules.half[axis])), onCanvas(edge(rules.half[axis]))];
      return { edge, a, b, long: Math.hypot(b[0] - a[0], b[1] - a[1]), at: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2] };
    });
    const upright = Math.abs(seen[0].b[1] - seen[0].a[1]) > 1.5 * Math.abs(seen[0].b[0] - seen[0].a[0]);
    const [chosen] = seen.sort((one, two) => (upright ? one.at[0] - two.at[0] : two.at[1] - one.at[1]));
    if (!(chosen.long > SHORTEST)) continue;
    let out = [chosen.b[1] - chosen.a[1], chosen.a[0] - chosen.b[0]].map((each) => each / chosen.long);
    if (out[0] * (chosen.at[0] - middle[0]) + out[1] * (chosen.at[1] - middle[1]) < 0) out = out.map((each) => -each);
    const labels = rules.labels[axis].map(([number, text]) => ({ text, at: onCanvas(chosen.edge(inBox(box, axis, number))) }));
    let widest = 0;
    const side = Math.abs(out[0]) > 0.5;
    pen.textAlign = side ? (out[0] < 0 ? "right" : "left") : "center";
    pen.textBaseline = "middle";
    for (const { text, at } of labels) {
      const place = [at[0] + 0.7 * size * out[0], at[1] + 0.9 * size * out[1]];
      const wide = pen.measureText(text).width;
      const begin = place[0] - wide * (side ? Number(out[0] < 0) : 0.5);
      const here = [begin - 3, begin + wide + 3, place[1] - 0.55 * size, place[1] + 0.55 * size];
      if (taken.some((other) => here[0] < other[1] && other[0] < here[1] && here[2] < other[3] && other[2] < here[3])) continue;
      taken.push(here);
      widest = Math.max(widest, wide);
      pen.fillText(text, ...place);
    }
    const away = (side ? Math.abs(out[0]) * widest : 0) + 2.3 * size;
    pen.fillText(box.titles[axis], chosen.at[0] + away * out[0], chosen.at[1] + away * out[1]);
  }
}

// A scene's colours with their numbers: on the right of a place, or below of it.
function writeBar(pen, scene, place, size) {
  const below = scene.bar === "below", [low, high] = scene.limits, found = ticks(low, high, below ? 4 : 6);
  const long = 0.72 * (below ? place.width : place.height);
  const left = below ? place.left + (place.width - long) / 2 : place.left + 6;
  const top = below ? place.top + 4 : place.top + (place.height - long) / 2;
  const fade = below ? pen.createLinearGradient(left, 0, left + long, 0) : pen.createLinearGradient(0, top + long, 0, top);
  const many = scene.palette.length / 3;
  for (let k = 0; k < many; k += 5) fade.addColorStop(k / (many - 1), `rgb(${scene.palette.slice(3 * k, 3 * k + 3).join()})`);
  const ink = pen.fillStyle;
  pen.fillStyle = fade;
  pen.fillRect(left, top, below ? long : BAR, below ? BAR : long);
  pen.fillStyle = ink;
  pen.textBaseline = "middle";
  for (const [number, text] of found) {
    const share = (number - low) / (high - low);
    pen.textAlign = below ? "center" : "left";
    pen.fillText(text, below ? left + share * long : left + BAR + 5, below ? top + BAR + 0.8 * size : top + (1 - share) * long);
  }
  if (below) return;
  pen.save();
  pen.translate(left + BAR + 10 + widestOf(pen, found) + 0.6 * size, place.top + place.height / 2);
  pen.rotate(Math.PI / 2);
  pen.textAlign = "center";
  pen.fillText(scene.title, 0, 0);
  pen.restore();
}

const widestOf = (pen, found) => Math.max(0, ...found.map(([, text]) => pen.measureText(text).width));

// Pixels that a colour bar takes.
function roomOfBar(pen, scene, size) {
  if (!scene.bar) return { right: 0, below: 0 };
  if (scene.bar === "below") return { right: 0, below: BAR + 1.8 * size };
  return { right: BAR + 18 + widestOf(pen, ticks(...scene.limits, 6)) + 1.4 * size, below: 0 };
}
