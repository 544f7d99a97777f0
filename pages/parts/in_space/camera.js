// Where a scene is looked at from: { eye, center, up } relative to the middle of its box as drawn (core.solution.camera),
// how it is turned, moved and neared, and how the page's address says it.

const ANGLE = 45 * Math.PI / 180; // from the top of the canvas to its bottom
const FLATTEST = 1e-3; // radians that a camera stays away from straight above
const NEAREST = 0.05, FARTHEST = 50;

const plus = (a, b, by = 1) => [a[0] + by * b[0], a[1] + by * b[1], a[2] + by * b[2]];
const minus = (a, b) => plus(a, b, -1);
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const times = (a, by) => [a[0] * by, a[1] * by, a[2] * by];
const unit = (a) => times(a, 1 / Math.hypot(...a));

// Nine numbers as an address has them, or null.
function cameraOf(numbers) {
  if (numbers?.length !== 9 || !numbers.every(Number.isFinite)) return null;
  const camera = { eye: numbers.slice(0, 3), center: numbers.slice(3, 6), up: numbers.slice(6) };
  return looksNowhere(camera) ? null : camera;
}

// Straight up, or from where it looks at.
function looksNowhere({ eye, center, up }) {
  const ahead = minus(center, eye);
  return !(Math.hypot(...cross(ahead, up)) > 1e-9 * Math.hypot(...ahead));
}

function cameraInAddress(name) {
  const parts = new URLSearchParams(location.search).get(name)?.split(",");
  return cameraOf(parts?.map((part) => (part.trim() ? Number(part) : NaN)));
}

// The server hears of it with the next thing that the visitor does: turning runs no page.
function cameraToAddress(name, { eye, center, up }) {
  const url = new URL(location.href);
  const numbers = [...eye, ...center, ...up];
  url.searchParams.set(name, numbers.map((number) => Number(number.toPrecision(6))).join());
  history.replaceState(history.state, "", url);
}

// Ahead, to the right and above, as the camera sees it.
function frameOf({ eye, center, up }) {
  const ahead = unit(minus(center, eye)), right = unit(cross(ahead, up));
  return { ahead, right, above: cross(right, ahead) };
}

// Around what is up by one angle, up and down by another, never over the pole: what is up stays up.
function turned(camera, around, over) {
  const up = unit(camera.up), away = minus(camera.eye, camera.center), far = Math.hypot(...away);
  const height = Math.asin(Math.max(-1, Math.min(1, dot(away, up) / far)));
  const flat = unit(plus(away, up, -dot(away, up)));
  const side = plus(times(flat, Math.cos(around)), cross(up, flat), Math.sin(around));
  const most = Math.PI / 2 - FLATTEST, now = Math.max(-most, Math.min(most, height + over));
  const place = plus(times(side, far * Math.cos(now)), up, far * Math.sin(now));
  return { ...camera, eye: plus(camera.center, place) };
}

// Across the canvas by parts of its height.
function moved(camera, across, down, height = 2 * Math.tan(ANGLE / 2)) {
  const { right, above } = frameOf(camera), far = Math.hypot(...minus(camera.eye, camera.center));
  const step = plus(times(right, -across * far * height), above, down * far * height);
  return { ...camera, eye: plus(camera.eye, step), center: plus(camera.center, step) };
}

function neared(camera, by) {
  const away = minus(camera.eye, camera.center), far = Math.hypot(...away);
  return { ...camera, eye: plus(camera.center, away, Math.max(NEAREST, Math.min(FARTHEST, far * by)) / far) };
}

// Half of the canvas' height in front of the camera at distance one; on a narrow canvas more, so that the box fits its width.
function halfHeight(aspect) {
  return Math.tan(ANGLE / 2) * Math.max(1, 1.12 / aspect);
}

// From the box to the canvas: 16 numbers, column by column, as WebGL takes them.
function matrixOf(camera, aspect) {
  const { ahead, right, above } = frameOf(camera), half = halfHeight(aspect);
  const far = Math.hypot(...camera.eye) + 1.2, near = Math.max(0.01, far - 2.4);
  const [x, y] = [1 / (half * aspect), 1 / half], depth = (far + near) / (far - near), shift = -2 * far * near / (far - near);
  const row = (a, by) => [by * a[0], by * a[1], by * a[2], -by * dot(a, camera.eye)];
  const rows = [row(right, x), row(above, y), row(ahead, depth), row(ahead, 1)];
  rows[2][3] += shift;
  return Float32Array.from({ length: 16 }, (_, k) => rows[k % 4][k >> 2]);
}

// Places of the box on the canvas: from -1 to 1 to the right and up, and how far ahead.
function projected(matrix, place) {
  const at = (k) => matrix[k] * place[0] + matrix[4 + k] * place[1] + matrix[8 + k] * place[2] + matrix[12 + k];
  const ahead = at(3);
  return [at(0) / ahead, at(1) / ahead, ahead];
}

// From the camera through a place on the canvas.
function rayThrough(camera, aspect, across, up) {
  const { ahead, right, above } = frameOf(camera), half = halfHeight(aspect);
  return { from: camera.eye, along: plus(plus(ahead, right, across * half * aspect), above, up * half) };
}

// Where a ray first meets a triangle, and the value there; null where it meets none.
function nearest({ from, along }, surfaces) {
  const [dx, dy, dz] = along, [ox, oy, oz] = from;
  let least = Infinity, found = null;
  for (const { points, faces, values } of surfaces) {
    for (let f = 0; f < faces.length; f += 3) {
      const i = 3 * faces[f], j = 3 * faces[f + 1], k = 3 * faces[f + 2];
      const ax = points[i], ay = points[i + 1], az = points[i + 2];
      const bx = points[j] - ax, by = points[j + 1] - ay, bz = points[j + 2] - az;
      const cx = points[k] - ax, cy = points[k + 1] - ay, cz = points[k + 2] - az;
      const sx = dy * cz - dz * cy, sy = dz * cx - dx * cz, sz = dx * cy - dy * cx;
      const scale = bx * sx + by * sy + bz * sz;
      if (!scale) continue;
      const px = ox - ax, py = oy - ay, pz = oz - az;
      const u = (px * sx + py * sy + pz * sz) / scale;
      if (u < 0 || u > 1) continue;
      const tx = py * bz - pz * by, ty = pz * bx - px * bz, tz = px * by - py * bx;
      const v = (dx * tx + dy * ty + dz * tz) / scale;
      if (v < 0 || u + v > 1) continue;
      const distance = (cx * tx + cy * ty + cz * tz) / scale;
      if (distance <= 0 || distance >= least) continue;
      least = distance;
      found = { values, corners: [faces[f], faces[f + 1], faces[f + 2]], shares: [1 - u - v, u, v] };
    }
  }
  if (!found) return null;
  const value = found.corners.reduce((sum, corner, n) => sum + found.shares[n] * found.values[corner], 0);
  return { place: plus(from, along, least), value };
}
