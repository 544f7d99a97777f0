// Scenes on one canvas: turned, moved and neared by mouse, fingers and keys, with the value under the pointer, places that
// are clicked, a camera in the page's address, pictures and the whole screen.

const STILL = 4; // pixels of a press that turns nothing
const SLIDE = { width: 1920, height: 1080 };
const CALM_MS = 300; // without a change
const ICONS = {
  nearer: "M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z", farther: "M5 11h14v2H5z", back: "M12 4l9 8h-3v8h-5v-6h-2v6H6v-8H3z",
  picture: "M9 4l-1.5 2H3v14h18V6h-4.500L15 4zm3 4.500a4.500 4.500 0 1 1 0 9 4.500 4.500 0 0 1 0-9z",
  slide: "M2 3h20v2h-1v11h-8v2l4 3-1 1-4-3-4 3-1-1 4-3v-2H3V5H2zM5 5v9h14V5z",
  whole: "M4 4h6v2H6v4H4V4zm10 0h6v6h-2V6h-4V4zM4 14h2v4h4v2H4v-6zm14 0h2v6h-6v-2h4v-4z",
};
const KINDS = { f4: Float32Array, f8: Float64Array, u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };
const DARKER = window.matchMedia("(prefers-color-scheme: dark)");

// Numbers as `packed.py` writes them: their kind, and their bytes in base64.
function unpacked(text) {
  if (text == null) return null;
  return new KINDS[text.slice(0, 2)](bytesOf(text.slice(2)).buffer);
}

function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text); // a tenth of the time
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let k = 0; k < bytes.length; k++) bytes[k] = letters.charCodeAt(k);
  return bytes;
}

// What of a scene is given to the graphics card, and what the pointer looks through.
function readScene(scene) {
  const [low, high] = scene.limits, colour = (values) => values && Float32Array.from(values, (value) => (value - low) / (high - low));
  const surfaces = scene.surfaces.map((surface) => {
    const values = unpacked(surface.values);
    return { ...surface, points: unpacked(surface.points), faces: unpacked(surface.faces), values, shown: colour(values) };
  });
  const lines = scene.lines.map((lines) => ({ width: lines.width, ...segmentsOf(unpacked(lines.points), unpacked(lines.starts), colour(unpacked(lines.values))) }));
  return { ...scene, palette: unpacked(scene.palette), surfaces, lines };
}

function segmentsOf(points, starts, shown) {
  const begins = new Set(starts), many = points.length / 3, ends = [], colours = [];
  for (let k = 1; k < many; k++) {
    if (begins.has(k)) continue;
    for (let n = 3 * k - 3; n < 3 * k + 3; n++) ends.push(points[n]);
    if (shown) colours.push(shown[k - 1], shown[k]);
  }
  return { ends: Float32Array.from(ends), shown: shown && Float32Array.from(colours) };
}

// Without a graphics card (`slow`) edges are smoothed by more dots, once nothing moves.
function ready() {
  const canvas = document.createElement("canvas"), how = { powerPreference: "high-performance" };
  const fast = canvas.getContext("webgl2", { ...how, antialias: true, failIfMajorPerformanceCaveat: true });
  const gl = fast ?? canvas.getContext("webgl2", { ...how, antialias: false });
  return { canvas, gl, slow: !fast, drawing: gl && new Drawing(gl) };
}

// Before there is a scene: a canvas whose drawing is compiled, which takes longest, while the server makes it.
function readyAhead() {
  if (window.singularityLabReady !== undefined) return; // ready, or there are scenes already
  const made = window.singularityLabReady = ready();
  if (!made.gl) return;
  const points = Float32Array.of(0, 0, 0, 0.1, 0, 0, 0, 0.1, 0), limits = [0, 1], values = points.slice(0, 3);
  const surface = { points, faces: Uint16Array.of(0, 1, 2), values, shown: values, opacity: 1, shaded: true };
  made.drawing.give([{ limits, palette: new Uint8Array(6), surfaces: [surface, { ...surface, opacity: 0.5 }],
    lines: [{ ends: points.slice(0, 6), shown: null, width: 2 }] }]);
  const box = { lows: [0, 0, 0], highs: [1, 1, 1], sides: [1, 1, 1], titles: ["x", "y", "z"] };
  const camera = { eye: [1.45, -1.45, 1], center: [0, 0, 0], up: [0, 0, 1] }, ink = [0, 0, 0, 1];
  made.drawing.draw(0, { x: 0, y: 0, width: 8, height: 8 }, camera, ruledBox(box, camera, 4), { grid: ink, edges: ink, lines: ink }, 1);
  made.gl.flush();
}

class SceneView {
  constructor(root) {
    this.root = root;
    const { canvas, gl, slow, drawing } = window.singularityLabReady ?? ready();
    window.singularityLabReady = null;
    Object.assign(this, { canvas: root.appendChild(canvas), gl, slow, drawing });
    this.over = root.appendChild(document.createElement("canvas"));
    this.probe = root.appendChild(document.createElement("div"));
    this.probe.className = "probe";
    this.probe.hidden = true;
    this.message = root.appendChild(document.createElement("p"));
    this.message.hidden = true;
    Object.assign(this.canvas, { tabIndex: 0, role: "img" });
    this.over.ariaHidden = "true";
    this.pointers = new Map();
    if (!this.gl) return;
    this.listening = new AbortController();
    this.listen(this.listening.signal);
    this.sized = new ResizeObserver(() => this.soon());
    this.sized.observe(root);
  }

  // Data: { scenes, camera, revision, name, large, linked, address, picks, height }; `tell` hears of what is clicked.
  given(data, tell) {
    if (!this.gl) return this.refuse("this browser has no WebGL, which 3D needs. Curves, numbers and downloads are there all the same.");
    this.tell = tell;
    this.data = data;
    this.message.hidden = true; // what could not be drawn before may be drawn now
    for (const each of [this.canvas, this.over]) each.hidden = false;
    const { scenes, camera, revision } = JSON.parse(data.content);
    this.scenes = scenes.map(readScene);
    this.canvas.ariaLabel = `${scenes.map((scene) => scene.title).join(", ")} in 3D. Arrow keys turn it, plus and minus bring it nearer and farther, Home takes it back.`;
    if (revision !== this.revision || scenes.length !== this.cameras.length) {
      this.revision = revision;
      this.home = cameraOf(camera);
      const begun = (data.address && cameraInAddress(data.address)) || this.home;
      this.cameras = scenes.map(() => begun);
    }
    this.furnish();
    this.give();
  }

  // A context that was lost, with all that was on the card, comes again empty.
  give() {
    if (this.gl.isContextLost()) return; // all of it is given once there is one again
    this.drawing ??= new Drawing(this.gl);
    this.drawing.give(this.scenes);
    this.soon();
    for (const wait of [60, 400, 1200]) setTimeout(() => this.recolour(), wait); // another theme: told before the page has it
  }

  refuse(why) {
    this.message.textContent = `This chart could not be drawn: ${why}`;
    this.message.hidden = false;
    for (const each of [this.canvas, this.over]) each.hidden = true;
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.calming);
    this.listening?.abort();
    this.sized?.disconnect();
    this.gl?.getExtension("WEBGL_lose_context")?.loseContext();
  }

  furnish() {
    if (this.buttons || this.data.large) return;
    this.buttons = document.createElement("div");
    this.buttons.className = "buttons";
    const press = (kind, title, act) => {
      const button = this.buttons.appendChild(document.createElement("button"));
      button.type = "button";
      button.title = button.ariaLabel = title;
      button.appendChild(icon(ICONS[kind]));
      button.addEventListener("click", act);
    };
    press("nearer", "Nearer", () => this.change((camera) => neared(camera, 0.8)));
    press("farther", "Farther", () => this.change((camera) => neared(camera, 1.25)));
    press("back", "Back to the chosen camera", () => this.change(() => this.home));
    press("picture", "Save as a picture (PNG)", () => this.save(this.root.clientWidth, this.root.clientHeight, this.data.name, 2));
    press("slide", `Save as a slide (PNG, ${SLIDE.width} × ${SLIDE.height})`, () => this.save(SLIDE.width, SLIDE.height, `${this.data.name}-slide`, 1));
    press("whole", "Full screen", () => document.fullscreenElement ? document.exitFullscreen() : this.root.requestFullscreen());
    this.root.appendChild(this.buttons);
  }

  // --- pictures
  soon() {
    clearTimeout(this.calming);
    if (this.waits || this.stopped || !this.scenes) return;
    this.waits = requestAnimationFrame(() => { this.waits = 0; this.show(); });
  }

  show(dots = window.devicePixelRatio || 1) {
    const { clientWidth: width, clientHeight: height } = this.root;
    if (this.stopped || !width || !height || this.gl.isContextLost()) return;
    this.picture(this.canvas, this.over, width, height, dots, this.data.large ? Math.max(1, innerHeight / 640) : 1);
    const triangles = this.scenes.reduce((sum, scene) => sum + scene.surfaces.reduce((of, { faces }) => of + faces.length / 3, 0), 0);
    if (this.slow && dots < 2) this.calming = setTimeout(() => this.show(2), CALM_MS);
    Object.assign(this.root.dataset, { drawn: this.scenes.length, triangles }); // for who looks from outside
  }

  // The scenes at any size: `dots` of a picture for each of its pixels, letters `larger` than usual.
  picture(canvas, over, width, height, dots, larger) {
    const style = getComputedStyle(this.root), size = 12 * larger;
    this.ink = style.color;
    for (const each of [canvas, over]) {
      const [wide, high] = [Math.round(width * dots), Math.round(height * dots)];
      if (each.width !== wide || each.height !== high) Object.assign(each, { width: wide, height: high });
    }
    const { gl } = this, pen = over.getContext("2d", { willReadFrequently: true }); // drawn without the graphics card, which has enough to do
    gl.disable(gl.SCISSOR_TEST);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    pen.setTransform(dots, 0, 0, dots, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = `${size}px ${style.fontFamily}`;
    pen.fillStyle = this.ink;
    const ink = coloured(this.ink), faded = (by) => [...ink.slice(0, 3), by * ink[3]];
    const colours = { grid: faded(0.14), edges: faded(FAINT), lines: [0.502, 0.533, 0.565, 1] };
    this.places = this.scenes.map((scene, index) => {
      const share = width / this.scenes.length, room = roomOfBar(pen, scene, size), head = scene.name ? 2 * size : 0;
      const place = { left: index * share, top: head, width: share - room.right, height: height - head - room.below };
      if (!(place.width > 20 && place.height > 20)) return place;
      const camera = this.cameras[index], rules = ruledBox(scene.box, camera, this.scenes.length > 1 ? 4 : 6);
      const matrix = matrixOf(camera, place.width / place.height);
      const onCanvas = (at) => {
        const [x, y] = projected(matrix, at);
        return [place.left + (x + 1) / 2 * place.width, place.top + (1 - y) / 2 * place.height];
      };
      this.drawing.draw(index, {
        x: place.left * dots, y: (height - place.top - place.height) * dots, width: place.width * dots, height: place.height * dots,
      }, camera, rules, colours, dots * larger);
      pen.save(); // what is brought near reaches beyond its part
      pen.beginPath();
      pen.rect(place.left, place.top, place.width, place.height);
      pen.clip();
      writeRulers(pen, scene.box, rules, onCanvas, size);
      pen.restore();
      if (scene.bar) writeBar(pen, scene, scene.bar === "below"
        ? { left: place.left, top: place.top + place.height, width: place.width }
        : { left: place.left + place.width, top: place.top, height: place.height }, size);
      if (scene.name) {
        pen.textAlign = "left"; // the buttons stand on the right
        pen.textBaseline = "top";
        pen.fillText(scene.name, place.left + 0.12 * place.width, 0.6 * size, 0.7 * place.width);
      }
      return place;
    });
  }

  // What is to be seen now as a file, on the page's own ground.
  save(width, height, name, dots) {
    const over = document.createElement("canvas"), whole = document.createElement("canvas");
    this.picture(this.canvas, over, width, height, dots, Math.max(1, height / 640));
    Object.assign(whole, { width: width * dots, height: height * dots });
    const pen = whole.getContext("2d");
    pen.fillStyle = getComputedStyle(this.root).getPropertyValue("--st-background-color").trim() || "#fff";
    pen.fillRect(0, 0, whole.width, whole.height);
    for (const layer of [this.canvas, over]) pen.drawImage(layer, 0, 0);
    this.show();
    whole.toBlob((content) => {
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(content), download: `${name}.png` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
  }

  recolour() {
    if (!this.stopped && this.ink !== getComputedStyle(this.root).color) this.soon();
  }

  // --- what the visitor does
  change(how, index = 0, settled = true) {
    const changed = how(this.cameras[index]);
    this.cameras = this.cameras.map((camera, k) => (k === index || this.data.linked ? changed : camera));
    this.probe.hidden = true;
    this.soon();
    if (settled) this.settle(index);
  }

  settle(index) {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => { if (!this.stopped && this.data.address) cameraToAddress(this.data.address, this.cameras[index]); }, 150);
  }

  listen(signal) {
    const on = (kind, heard, more = {}) => this.canvas.addEventListener(kind, heard, { signal, ...more });
    on("webglcontextlost", (event) => { event.preventDefault(); this.drawing = null; });
    on("webglcontextrestored", () => { if (this.scenes) this.give(); });
    on("contextmenu", (event) => event.preventDefault());
    on("pointerdown", (event) => this.pressed(event));
    on("pointermove", (event) => this.wanders(event));
    for (const kind of ["pointerup", "pointercancel"]) on(kind, (event) => this.released(event));
    on("pointerleave", () => { this.probe.hidden = true; });
    on("keydown", (event) => this.typed(event));
    // a page is scrolled over a view that nobody has touched
    on("wheel", (event) => {
      if (!event.ctrlKey && document.activeElement !== this.canvas && !document.fullscreenElement) return;
      event.preventDefault();
      this.change((camera) => neared(camera, Math.exp(Math.max(-100, Math.min(100, event.deltaY)) * 0.0025)), this.sceneAt(event));
    }, { passive: false });
    DARKER.addEventListener("change", () => { for (const wait of [60, 400, 1200]) setTimeout(() => this.recolour(), wait); }, { signal });
  }

  sceneAt(event) {
    const share = this.root.clientWidth / this.cameras.length;
    return Math.max(0, Math.min(this.cameras.length - 1, Math.floor((event.clientX - this.canvas.getBoundingClientRect().left) / share)));
  }

  pressed(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.press = this.pointers.size === 1 ? { x: event.clientX, y: event.clientY, scene: this.sceneAt(event), far: false } : null;
    this.held ??= this.sceneAt(event);
  }

  wanders(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before || !event.buttons) return this.point(event);
    const now = { x: event.clientX, y: event.clientY }, across = now.x - before.x, down = now.y - before.y;
    if (this.press && Math.hypot(now.x - this.press.x, now.y - this.press.y) >= STILL) this.press.far = true;
    const apart = () => { const [a, b] = [...this.pointers.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };
    const high = this.root.clientHeight, two = this.pointers.size === 2, wide = two && apart();
    this.pointers.set(event.pointerId, now);
    if (this.press && !this.press.far) return;
    const act = two ? (camera) => neared(moved(camera, across / 2 / high, down / 2 / high), wide / Math.max(1, apart()))
      : event.buttons & 6 || event.shiftKey ? (camera) => moved(camera, across / high, down / high)
        : (camera) => turned(camera, -across * 2.8 / high, down * 2.8 / high);
    this.change(act, this.held, false);
  }

  released(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    const { press, held } = this;
    if (this.pointers.size) return;
    this.press = this.held = null;
    if (!press || press.far) return this.settle(held);
    const found = event.type === "pointerup" && event.button === 0 && this.data.picks && this.under(event);
    if (found) this.tell("picked", found.place);
  }

  typed(event) {
    const step = Math.PI / 36, acts = {
      ArrowLeft: (camera) => turned(camera, -step, 0), ArrowRight: (camera) => turned(camera, step, 0),
      ArrowUp: (camera) => turned(camera, 0, step), ArrowDown: (camera) => turned(camera, 0, -step),
      "+": (camera) => neared(camera, 0.9), "-": (camera) => neared(camera, 1 / 0.9), Home: () => this.home,
    };
    const act = !event.ctrlKey && !event.metaKey && !event.altKey && acts[event.key];
    if (!act) return;
    event.preventDefault();
    this.change(act);
  }

  // What lies under the pointer: { scene, place in the numbers of the axes, value }, or null.
  under(event) {
    const index = this.sceneAt(event), place = this.places?.[index], scene = this.scenes[index];
    if (!place) return null;
    const frame = this.canvas.getBoundingClientRect();
    const across = (event.clientX - frame.left - place.left) / place.width, down = (event.clientY - frame.top - place.top) / place.height;
    if (!(across >= 0 && across <= 1 && down >= 0 && down <= 1)) return null;
    const found = nearest(rayThrough(this.cameras[index], place.width / place.height, 2 * across - 1, 1 - 2 * down), scene.surfaces);
    return found && { scene, place: found.place.map((at, axis) => onAxis(scene.box, axis, at)), value: found.value };
  }

  point(event) {
    this.pointer = event;
    if (this.pointing) return;
    this.pointing = requestAnimationFrame(() => {
      this.pointing = 0;
      const found = !this.stopped && !this.pointers.size && this.under(this.pointer);
      this.probe.hidden = !found;
      if (!found) return;
      const { scene, place, value } = found;
      const lines = scene.box.titles.map((title, axis) => (title && !scene.heights[axis] ? `${title} = ${said(place[axis])}` : ""));
      this.probe.textContent = [...lines, `${scene.title} = ${said(value)}`].filter(Boolean).join("\n");
      const frame = this.root.getBoundingClientRect(), [x, y] = [this.pointer.clientX - frame.left, this.pointer.clientY - frame.top];
      this.probe.style.left = `${Math.min(x + 14, frame.width - this.probe.offsetWidth - 4)}px`;
      this.probe.style.top = `${Math.min(y + 14, frame.height - this.probe.offsetHeight - 4)}px`;
    });
  }
}

function icon(path) {
  const made = (name, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const drawn = made("svg", { viewBox: "0 0 24 24", width: 17, height: 17, fill: "currentColor" });
  drawn.appendChild(made("path", { d: path }));
  return drawn;
}

// A colour of the page as WebGL takes it.
function coloured(text) {
  const numbers = text.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0];
  return [...numbers.slice(0, 3).map((each) => each / 255), numbers[3] ?? 1];
}
