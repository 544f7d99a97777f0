// What charts have beside Plotly's own: patience while somebody turns them, and with scenes in space cameras turned
// together, a camera in the page's address, places that are clicked, the whole screen. Stands behind live_plotly.py's text.

const SCENE = /^scene[0-9]*$/;
const scenesOf = (layout) => Object.keys(layout).filter((key) => SCENE.test(key));

let canWebgl;
function webgl() {
  canWebgl ??= Boolean(document.createElement("canvas").getContext("webgl"));
  return canWebgl;
}

// All scenes of a chart are looked at from where one of them was turned to; what comes meanwhile is not lost.
function link(Plotly, element) {
  let next = null, busy = false;
  const follow = async () => {
    if (busy) return;
    busy = true;
    try {
      while (next) {
        const { turned, camera } = next;
        next = null;
        const others = scenesOf(element.layout).filter((key) => key !== turned);
        await Plotly.relayout(element, Object.fromEntries(others.map((key) => [`${key}.camera`, structuredClone(camera)])));
      }
    } finally { busy = false; }
  };
  onTurned(element, (turned, camera) => {
    if (busy && element.followed !== turned) return; // the change of a scene that follows
    element.followed = turned;
    next = { turned, camera };
    follow();
  }, ["plotly_relayouting", "plotly_relayout"]);
}

function onTurned(element, told, events) {
  for (const event of events) element.on(event, (change) => {
    const key = Object.keys(change).find((name) => /^scene[0-9]*\.camera$/.test(name));
    if (key) told(key.split(".")[0], change[key]);
  });
}

// As core.solution.camera has it: nine numbers for the eye, the middle of the canvas, and what is up.
function cameraOf(name) {
  const parts = new URLSearchParams(location.search).get(name)?.split(",");
  const numbers = parts?.map((part) => (part.trim() ? Number(part) : NaN));
  if (numbers?.length !== 9 || !numbers.every(Number.isFinite) || looksNowhere(numbers)) return null;
  const [eye, center, up] = [0, 3, 6].map((k) => ({ x: numbers[k], y: numbers[k + 1], z: numbers[k + 2] }));
  return { eye, center, up };
}

// Straight up, or from where it looks at.
function looksNowhere(numbers) {
  const [x, y, z] = [0, 1, 2].map((k) => numbers[3 + k] - numbers[k]);
  const [u, v, w] = numbers.slice(6);
  return !(Math.hypot(y * w - z * v, z * u - x * w, x * v - y * u) > 1e-9 * Math.hypot(x, y, z));
}

// From straight above there is no telling what is up, so an address says a hair's breadth beside it: on the side on which
// rounding still has the eye, which is where the visitor came from.
function besidePole(numbers) {
  if (!looksNowhere(numbers)) return numbers;
  const up = numbers.slice(6), away = [0, 1, 2].map((k) => numbers[k] - numbers[3 + k]);
  const along = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const flat = (a) => a.map((number, k) => number - up[k] * along(a, up) / along(up, up));
  let side = flat(away);
  if (!(Math.hypot(...side) > 0)) side = flat([0, -1, 0]);
  const far = 2e-3 * Math.hypot(...away) / Math.hypot(...side);
  return [...[0, 1, 2].map((k) => numbers[k] + far * side[k]), ...numbers.slice(3)];
}

// A chart starts where the address says. As long as its view is kept the same is handed on, for what Plotly is told anew
// goes before where the visitor turned to since.
function takeCamera(element, layout, name) {
  if (element.begun?.revision !== layout.uirevision) element.begun = { revision: layout.uirevision, camera: cameraOf(name) };
  const { camera } = element.begun;
  if (camera) for (const key of scenesOf(layout)) layout[key] = { ...layout[key], camera };
}

// The server hears of it with the next thing that the visitor does: turning runs no page.
function keepCamera(element, name) {
  onTurned(element, (_, camera) => {
    const url = new URL(location.href);
    const numbers = [camera.eye, camera.center, camera.up].flatMap((place) => [place.x, place.y, place.z]);
    url.searchParams.set(name, besidePole(numbers).map((number) => Number(number.toPrecision(4))).join());
    history.replaceState(history.state, "", url);
  }, ["plotly_relayout"]);
}

// A press on something drawn that turns nothing.
function pick(element, picked) {
  let over = null, pressed = null;
  element.on("plotly_hover", ({ points }) => { over = points[0]; });
  element.on("plotly_unhover", () => { over = null; });
  element.addEventListener("pointerdown", (event) => { pressed = { x: event.clientX, y: event.clientY, over }; }, true);
  element.addEventListener("pointerup", (event) => {
    const still = pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) < 4;
    if (still && pressed.over) picked([pressed.over.x, pressed.over.y, pressed.over.z]);
    pressed = null;
  }, true);
}

const WHOLE_BUTTON = { name: "whole", title: "Full screen",
  icon: { width: 24, height: 24, path: "M4 4h6v2H6v4H4V4zm10 0h6v6h-2V6h-4V4zM4 14h2v4h4v2H4v-6zm14 0h2v6h-6v-2h4v-4z" },
  click: (chart) => document.fullscreenElement ? document.exitFullscreen() : chart.requestFullscreen() };
const SCENE_BUTTONS = [SLIDE_BUTTON, WHOLE_BUTTON];

// As soon as no pointer is down on a chart: one that was drawn anew meanwhile would forget what the visitor is about to turn.
function untouched(element) {
  if (!element.watched) {
    element.watched = true;
    element.addEventListener("pointerdown", () => { element.touched = released(); }, true);
  }
  return element.touched;
}

// The buttons may come up outside of the page, and the next that is heard is a pointer without them.
function released() {
  const kinds = ["pointerup", "pointercancel", "pointermove", "blur"];
  return new Promise((resolve) => {
    const look = (event) => {
      if (event.buttons) return;
      for (const kind of kinds) removeEventListener(kind, look, true);
      setTimeout(resolve, 50); // Plotly hears of it after us
    };
    for (const kind of kinds) addEventListener(kind, look, true);
  });
}

// What a chart of scenes is given once, when it is drawn first; `now` has the latest of what the page says.
function furnish(Plotly, element, now) {
  if (element.furnished) return;
  element.furnished = true;
  if (now().linked) link(Plotly, element);
  if (now().camera) keepCamera(element, now().camera);
  if (now().picks) pick(element, (place) => now().send("picked", place));
}
