// What the VTK view's page does beside drawing: the value under the pointer, places that are clicked, its camera in the
// page's address, full screen.
// `scene` says of what is drawn: how many surfaces, the middle of its box, the unit of its cameras, what its numbers are
// called.

const TRIES = 200; // ten seconds

function lookAround(scene, tried = 0) {
  if (!webgl()) return void addEventListener("load", sayWithoutWebgl);
  if (!tried) showKept(scene).then(() => { if (scene.viewer) start(scene.viewer); });
  const renderer = window.global?.renderWindow?.getRenderers().find((each) => each.getActors().length);
  const meshes = renderer?.getActors().map((actor) => actor.getMapper()?.getInputData?.()).filter((mesh) => mesh?.getPolys);
  const surfaces = (meshes ?? []).map((mesh) => ({
    points: mesh.getPoints().getData(), cells: mesh.getPolys().getData(),
    values: mesh.getPointData().getArrayByName(scene.array)?.getData(),
  })).filter((mesh) => mesh.values?.length && mesh.cells.length);
  // it is being unpacked, one array after another; what never comes can't be pointed at, and that is all
  const waits = !meshes?.length || (surfaces.length < scene.surfaces && tried < TRIES);
  if (waits) return void setTimeout(() => lookAround(scene, tried + 1), 50);
  const camera = renderer.getActiveCamera();
  const away = (place) => place.map((number, k) => scene.middle[k] + number * scene.unit);
  const back = (place) => place.map((number, k) => (number - scene.middle[k]) / scene.unit);
  const draw = () => { renderer.resetCameraClippingRange(); window.global.renderWindow.render(); };

  // --- rules and numbers as in the quick view
  for (const prop of renderer.getViewProps()) {
    for (const kind of ["Tick", "Axis"]) {
      const style = prop[`get${kind}TextStyle`]?.();
      if (style) prop[`set${kind}TextStyle`]({ ...style, fontFamily: "sans-serif" });
    }
    if (prop.isA("vtkCubeAxesActor")) prop.getProperty().setOpacity(0.6);
  }

  // --- where it is looked at from
  const look = (numbers) => {
    camera.setViewAngle(scene.angle);
    camera.setPosition(...away(numbers.slice(0, 3)));
    camera.setFocalPoint(...away(numbers.slice(3, 6)));
    camera.setViewUp(...numbers.slice(6, 9));
  };
  const around = address();
  look(askedFrom(scene));
  draw();
  document.getElementById(KEPT)?.remove();
  performance.mark("drawn");
  const now = () => short4([...back(camera.getPosition()), ...back(camera.getFocalPoint()), ...camera.getViewUp()]);
  let told = now();
  const tell = () => {
    if (now() === told || !around) return;
    told = now();
    const url = new URL(around.location.href);
    url.searchParams.set("eye", told);
    around.history.replaceState(around.history.state, "", url);
    keepSoon();
  };
  let keeping = 0;
  const keepSoon = () => {
    clearTimeout(keeping);
    keeping = setTimeout(() => { draw(); keep(scene, now()); }, 250); // in one go: what was drawn is gone with the next frame
  };
  keepSoon();
  for (const kind of ["pointerup", "wheel"]) addEventListener(kind, () => setTimeout(tell, 150), true);
  let telling = 0;
  addEventListener("pointermove", (event) => { // the page may be replaced while it is turned, by the next moment of a film
    if (event.buttons && !telling) telling = setTimeout(() => { telling = 0; tell(); }, 300);
  }, true);

  // --- a press that turns nothing: `pages.parts.solution.scene` hears of the place
  const seen = (event) => {
    const found = nearest(ray(camera, event), surfaces);
    return found && { ...found, place: found.place.map((number, k) => number / (k === 2 ? scene.stretch : 1)) };
  };
  let pressed = null;
  addEventListener("pointerdown", (event) => { pressed = event; }, true);
  addEventListener("pointerup", (event) => {
    const still = around && pressed && Math.hypot(event.clientX - pressed.clientX, event.clientY - pressed.clientY) < 4;
    pressed = null;
    const found = still && !event.target.closest?.("button") && seen(event);
    if (found) around.dispatchEvent(new around.CustomEvent("singularity-lab-place", { detail: found.place }));
  }, true);

  // --- the value under the pointer
  const said = document.body.appendChild(document.createElement("div"));
  said.id = "probe";
  said.hidden = true;
  let waiting = false;
  addEventListener("pointermove", (event) => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      const found = event.buttons ? null : seen(event);
      said.hidden = !found;
      if (!found) return;
      const names = scene.titles.map((title, k) => title && !(k === 2 && scene.stretch !== 1) ? `${title} = ${short(found.place[k])}` : "");
      said.textContent = [...names, `${scene.title} = ${short(found.value * scene.power)}`].filter(Boolean).join("\n");
      said.style.left = `${Math.min(event.clientX + 14, innerWidth - said.offsetWidth - 6)}px`;
      said.style.top = `${Math.min(event.clientY + 14, innerHeight - said.offsetHeight - 6)}px`;
    });
  });
  document.documentElement.addEventListener("pointerleave", () => { said.hidden = true; });

  // --- the whole screen
  const button = document.body.appendChild(document.createElement("button"));
  button.id = "whole";
  button.title = button.ariaLabel = "Full screen";
  button.innerHTML = '<svg viewBox="0 0 24 24" width="18" fill="currentColor"><path d="M4 4h6v2H6v4H4V4zm10 0h6v6h-2V6h-4V4z'
    + 'M4 14h2v4h4v2H4v-6zm14 0h2v6h-6v-2h4v-4z"/></svg>';
  button.onclick = () => document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen();
}

// --- a picture of what was to be seen last: it stands there while the viewer starts, a second without a GPU
const KEPT = "kept";
const short4 = (numbers) => numbers.map((number) => Number(number.toPrecision(4))).join();

// Nine numbers: the address's, or those that were chosen.
function askedFrom(scene) {
  const asked = new URLSearchParams(address()?.location.search).get("eye")?.split(",")
    .map((part) => (part.trim() ? Number(part) : NaN));
  // straight up, or from where it looks at, there is no view
  const looks = (n) => {
    const [x, y, z] = [0, 1, 2].map((k) => n[3 + k] - n[k]);
    return Math.hypot(y * n[8] - z * n[7], z * n[6] - x * n[8], x * n[7] - y * n[6]) > 1e-9 * Math.hypot(x, y, z);
  };
  return asked?.length === 9 && asked.every(Number.isFinite) && looks(asked) ? asked : scene.camera;
}

// The same scene from the same place is shown as it was; of another one it is told that it comes. Done once it is to be
// seen: the viewer lets nothing be painted while it starts.
async function showKept(scene) {
  const kept = address()?.singularityLabKept;
  if (!kept || Math.abs(kept.width - innerWidth) > 2 || kept.height !== innerHeight) return;
  const picture = document.documentElement.appendChild(document.createElement("img")); // the viewer empties the body
  Object.assign(picture, { id: KEPT, src: kept.picture, alt: "" });
  const same = kept.scene === scene.digest && kept.eye === short4(askedFrom(scene));
  picture.className = same ? "same" : "before";
  // whatever the browser holds back, where nobody looks, the viewer starts
  const within = (ms, begin) => new Promise((resolve) => { begin(resolve); setTimeout(resolve, ms); });
  await within(300, (resolve) => picture.decode().then(resolve, () => { picture.remove(); resolve(); }));
  await within(100, requestAnimationFrame);
  await within(100, requestAnimationFrame);
  performance.mark(`kept ${picture.className}`);
}

function start(viewer) {
  document.head.appendChild(Object.assign(document.createElement("script"), { type: "module", src: viewer }));
}

function keep(scene, eye) {
  const canvas = document.querySelector("canvas"), around = address();
  if (canvas?.width && around)
    around.singularityLabKept = { scene: scene.digest, eye, width: innerWidth, height: innerHeight, picture: canvas.toDataURL("image/webp", 0.9) };
}

// Asked once, while nothing is drawn yet: a further context waits until the scene is there, seconds without a GPU.
let canWebgl;
function webgl() {
  canWebgl ??= Boolean(document.createElement("canvas").getContext("webgl2"));
  return canWebgl;
}

// The viewer empties the page when it starts, and then fails.
function sayWithoutWebgl() {
  const told = document.body.appendChild(document.createElement("p"));
  told.id = "none";
  told.textContent = "This browser has no WebGL, which 3D needs. Curves, numbers and downloads are there all the same.";
}

// The window that has the address: the page around, unless this one stands alone or in another's page.
function address() {
  try { return window.parent !== window && window.parent.location.search !== undefined ? window.parent : null; }
  catch { return null; }
}

const short = (number) => String(Number(number.toPrecision(6)));
const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const times = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const unit = (a) => a.map((number) => number / Math.sqrt(times(a, a)));

// From the camera through a place on the canvas.
function ray(camera, event) {
  const half = Math.tan(camera.getViewAngle() * Math.PI / 360), from = camera.getPosition();
  const ahead = unit(minus(camera.getFocalPoint(), from)), right = unit(cross(ahead, camera.getViewUp()));
  const above = cross(right, ahead);
  const x = (2 * event.clientX / innerWidth - 1) * half * innerWidth / innerHeight;
  const y = (1 - 2 * event.clientY / innerHeight) * half;
  return { from, along: ahead.map((number, k) => number + x * right[k] + y * above[k]) };
}

// Where a ray first meets a triangle, and the value there; null where it meets none.
function nearest({ from, along }, surfaces) {
  let best = null, least = Infinity;
  for (const { points, cells, values } of surfaces) {
    const corner = (k) => [points[3 * k], points[3 * k + 1], points[3 * k + 2]];
    for (let at = 0; at + 3 < cells.length; at += cells[at] + 1) {
      const [i, j, k] = [cells[at + 1], cells[at + 2], cells[at + 3]];
      const a = corner(i), first = minus(corner(j), a), second = minus(corner(k), a);
      const side = cross(along, second), scale = times(first, side);
      if (!scale) continue;
      const off = minus(from, a), u = times(off, side) / scale;
      if (u < 0 || u > 1) continue;
      const turned = cross(off, first), v = times(along, turned) / scale;
      if (v < 0 || u + v > 1) continue;
      const distance = times(second, turned) / scale;
      if (distance <= 0 || distance >= least) continue;
      least = distance;
      best = { place: from.map((number, n) => number + distance * along[n]),
               value: (1 - u - v) * values[i] + u * values[j] + v * values[k] };
    }
  }
  return best;
}
