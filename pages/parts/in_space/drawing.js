// Surfaces and lines by WebGL: what a scene is made of on the graphics card, and how it is drawn.

const MESH = [`#version 300 es
layout(location = 0) in vec3 place; layout(location = 1) in vec3 normal; layout(location = 2) in float colour;
uniform mat4 matrix; out vec3 across; out float shown;
void main() { gl_Position = matrix * vec4(place, 1.0); across = normal; shown = colour; }`, `#version 300 es
precision highp float;
in vec3 across; in float shown;
uniform sampler2D palette; uniform vec3 light; uniform vec2 lit; uniform float opacity; out vec4 ink;
void main() {
  vec3 base = texture(palette, vec2(clamp(shown, 0.0, 1.0) * 255.0 / 256.0 + 0.5 / 256.0, 0.5)).rgb;
  float facing = length(across) > 0.0 ? abs(dot(normalize(across), light)) : 1.0;
  ink = vec4(base * min(1.0, lit.x + lit.y * facing), 1.0) * opacity;
}`];

// A line is a rectangle that faces the camera: one for each two neighbours, its corners in the order of gl_VertexID.
const LINE = [`#version 300 es
layout(location = 0) in vec3 from; layout(location = 1) in vec3 to; layout(location = 2) in vec2 colours;
uniform mat4 matrix; uniform vec2 canvas; uniform float width; out float shown; out float side;
void main() {
  vec4 a = matrix * vec4(from, 1.0), b = matrix * vec4(to, 1.0);
  vec4 here = gl_VertexID < 2 ? a : b;
  vec2 along = b.xy / b.w * canvas - a.xy / a.w * canvas;
  along = length(along) > 1e-6 ? normalize(along) : vec2(1.0, 0.0);
  side = (gl_VertexID & 1) == 0 ? 1.0 : -1.0;
  float wide = width + 1.0;
  vec2 off = vec2(-along.y, along.x) * side * wide + along * (gl_VertexID < 2 ? -0.5 : 0.5) * width;
  gl_Position = a.w > 0.0 && b.w > 0.0 ? vec4(here.xy + off / canvas * here.w, here.zw) : vec4(0.0, 0.0, 2.0, 1.0);
  shown = gl_VertexID < 2 ? colours.x : colours.y;
  side *= wide;
}`, `#version 300 es
precision highp float;
in float shown; in float side;
uniform sampler2D palette; uniform vec4 plain; uniform float width; out vec4 ink;
void main() {
  float edge = clamp(0.5 * (width + 1.0 - abs(side)), 0.0, 1.0);
  if (edge <= 0.02) discard;
  vec3 base = texture(palette, vec2(clamp(shown, 0.0, 1.0) * 255.0 / 256.0 + 0.5 / 256.0, 0.5)).rgb;
  ink = vec4(plain.a > 0.0 ? plain.rgb : base, 1.0) * (plain.a > 0.0 ? plain.a : 1.0) * edge;
}`];

function program(gl, texts) {
  const made = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, texts[0]], [gl.FRAGMENT_SHADER, texts[1]]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS) && !gl.isContextLost()) throw new Error(gl.getProgramInfoLog(made));
  const uniforms = {};
  for (let k = 0; k < gl.getProgramParameter(made, gl.ACTIVE_UNIFORMS); k++) {
    const { name } = gl.getActiveUniform(made, k);
    uniforms[name] = gl.getUniformLocation(made, name);
  }
  return { made, uniforms };
}

// Directions in which a surface faces at its points, each triangle by its size.
function normalsOf(points, faces) {
  const normals = new Float32Array(points.length);
  for (let f = 0; f < faces.length; f += 3) {
    const i = 3 * faces[f], j = 3 * faces[f + 1], k = 3 * faces[f + 2];
    const bx = points[j] - points[i], by = points[j + 1] - points[i + 1], bz = points[j + 2] - points[i + 2];
    const cx = points[k] - points[i], cy = points[k + 1] - points[i + 1], cz = points[k + 2] - points[i + 2];
    const x = by * cz - bz * cy, y = bz * cx - bx * cz, z = bx * cy - by * cx;
    for (const at of [i, j, k]) { normals[at] += x; normals[at + 1] += y; normals[at + 2] += z; }
  }
  return normals;
}

// Of a canvas: what is drawn on it stays on the graphics card until it is given other scenes.
class Drawing {
  constructor(gl) {
    this.gl = gl;
    this.mesh = program(gl, MESH);
    this.line = program(gl, LINE);
    this.kept = [];
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.depthFunc(gl.LEQUAL);
  }

  give(scenes) {
    for (const drop of this.kept.splice(0)) drop();
    this.scenes = scenes.map((scene) => ({
      palette: this.palette(scene.palette),
      surfaces: scene.surfaces.map((surface) => ({ ...surface, ...this.surface(surface) })),
      lines: scene.lines.map((lines) => ({ ...lines, ...this.segments(lines.ends, lines.shown) })),
      rules: null,
    }));
  }

  palette(colours) {
    const { gl } = this, texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB8, colours.length / 3, 1, 0, gl.RGB, gl.UNSIGNED_BYTE, colours);
    for (const [what, how] of [["MIN_FILTER", "LINEAR"], ["MAG_FILTER", "LINEAR"], ["WRAP_S", "CLAMP_TO_EDGE"], ["WRAP_T", "CLAMP_TO_EDGE"]])
      gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${what}`], gl[how]);
    this.kept.push(() => gl.deleteTexture(texture));
    return texture;
  }

  buffer(content, target = this.gl.ARRAY_BUFFER) {
    const { gl } = this, buffer = gl.createBuffer();
    gl.bindBuffer(target, buffer);
    gl.bufferData(target, content, gl.STATIC_DRAW);
    this.kept.push(() => gl.deleteBuffer(buffer));
  }

  attributes(fill) {
    const { gl } = this, array = gl.createVertexArray();
    gl.bindVertexArray(array);
    fill();
    gl.bindVertexArray(null);
    this.kept.push(() => gl.deleteVertexArray(array));
    return array;
  }

  // By the places that the shaders give them: to ask for them waits for the graphics card.
  attribute(at, size, stride = 0, offset = 0, divisor = 0) {
    const { gl } = this;
    gl.enableVertexAttribArray(at);
    gl.vertexAttribPointer(at, size, gl.FLOAT, false, stride, offset);
    gl.vertexAttribDivisor(at, divisor);
  }

  surface({ points, faces, shown, shaded }) {
    const { gl } = this;
    const array = this.attributes(() => {
      this.buffer(points);
      this.attribute(0, 3);
      this.buffer(shaded ? normalsOf(points, faces) : new Float32Array(points.length));
      this.attribute(1, 3);
      this.buffer(shown);
      this.attribute(2, 1);
      this.buffer(faces, gl.ELEMENT_ARRAY_BUFFER);
    });
    return { array, count: faces.length, kind: faces.BYTES_PER_ELEMENT === 2 ? gl.UNSIGNED_SHORT : gl.UNSIGNED_INT };
  }

  // Ends of straight lines, six numbers each, and how they are coloured, two each or null.
  segments(ends, shown) {
    const array = this.attributes(() => {
      this.buffer(ends);
      this.attribute(0, 3, 24, 0, 1);
      this.attribute(1, 3, 24, 12, 1);
      if (shown) {
        this.buffer(shown);
        this.attribute(2, 2, 0, 0, 1);
      }
    });
    return { array, count: ends.length / 6 };
  }

  // One scene on a part of the canvas. `view` is { x, y, width, height } in pixels from the lower left.
  draw(index, view, camera, rules, colours, scale) {
    const { gl } = this, scene = this.scenes[index], matrix = matrixOf(camera, view.width / view.height);
    gl.viewport(view.x, view.y, view.width, view.height);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, scene.palette);
    gl.disable(gl.DEPTH_TEST);
    gl.disable(gl.CULL_FACE);
    this.stroke(matrix, view, { ...this.onlyNow(rules.grid), plain: colours.grid, width: scale });
    this.stroke(matrix, view, { ...this.onlyNow(rules.edges), plain: colours.edges, width: scale });
    gl.enable(gl.DEPTH_TEST);
    gl.depthMask(true);
    const { right, above, ahead } = frameOf(camera);
    const light = unit(plus(plus(times(ahead, -1), above, 0.55), right, 0.35));
    const solid = scene.surfaces.filter((surface) => surface.opacity >= 1), veils = scene.surfaces.filter((surface) => surface.opacity < 1);
    for (const surface of solid) this.paint(matrix, light, surface);
    for (const lines of scene.lines) this.stroke(matrix, view, { ...lines, plain: lines.shown ? [0, 0, 0, 0] : colours.lines, width: lines.width * scale });
    gl.depthMask(false);
    gl.enable(gl.CULL_FACE);
    for (const surface of veils) for (const away of [gl.FRONT, gl.BACK]) { // what is behind first
      gl.cullFace(away);
      this.paint(matrix, light, surface);
    }
    gl.disable(gl.CULL_FACE);
    gl.depthMask(true);
    this.forget();
  }

  // Rules change with the camera: their buffers live for one picture.
  onlyNow(ends) {
    const before = this.kept.length, made = this.segments(ends, null);
    this.passing = [...(this.passing ?? []), ...this.kept.splice(before)];
    return made;
  }

  forget() {
    for (const drop of this.passing.splice(0)) drop();
  }

  paint(matrix, light, { array, count, kind, opacity, shaded }) {
    const { gl, mesh: { made, uniforms } } = this;
    gl.useProgram(made);
    gl.uniformMatrix4fv(uniforms.matrix, false, matrix);
    gl.uniform3f(uniforms.light, ...light);
    gl.uniform2f(uniforms.lit, ...(shaded ? [0.6, 0.5] : [1, 0]));
    gl.uniform1f(uniforms.opacity, opacity);
    gl.bindVertexArray(array);
    gl.drawElements(gl.TRIANGLES, count, kind, 0);
    gl.bindVertexArray(null);
  }

  stroke(matrix, view, { array, count, plain, width }) {
    const { gl, line: { made, uniforms } } = this;
    if (!count) return;
    gl.useProgram(made);
    gl.uniformMatrix4fv(uniforms.matrix, false, matrix);
    gl.uniform2f(uniforms.canvas, view.width, view.height);
    gl.uniform4f(uniforms.plain, ...plain);
    gl.uniform1f(uniforms.width, width);
    gl.bindVertexArray(array);
    gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, count);
    gl.bindVertexArray(null);
  }
}
