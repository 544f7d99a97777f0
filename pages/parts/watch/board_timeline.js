// The slots as a picture of time: what ran where, what runs, and what is due, a row a slot. Follows board_feed.js.

const ROW = 30, BAR = 22, AXIS = 22, NARROW = 3;
let LABEL = 58;  // wide enough for the longest name of a slot
const SPANS = [600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 259200, 604800, 2419200];
const STEPS = [60, 120, 300, 600, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];
const SHOWN_AHEAD = 4;  // so many waiting runs a slot are to be in sight
const choices = { "1 h": 3600, "6 h": 21600, "1 day": 86400, "1 week": 604800 };
let chosen = null;  // outlives a visit to another page

export default function (component) {
  const { parentElement, setTriggerValue } = component;
  const picture = (parentElement.picture ??= makePicture(parentElement));
  picture.open = (id) => setTriggerValue("opened", id);
  return () => { picture.leave(); delete parentElement.picture; };
}

function makePicture(parentElement) {
  const frame = parentElement.querySelector(".board-timeline");
  const words = built("span", { class: "words" });
  const spans = built("span", { class: "spans", role: "group", "aria-label": "Time shown" });
  const canvas = built("div", { class: "canvas" });
  const tip = built("div", { class: "board-tip", hidden: true });
  frame.replaceChildren(built("div", { class: "head" }, words, spans), canvas, tip);
  const picture = { open: () => {} };
  for (const [label, seconds] of [["auto", null], ...Object.entries(choices)]) {
    spans.append(built("button", { type: "button", "aria-pressed": chosen === seconds,
      onclick() { chosen = seconds; pressed(); draw(); } }, label));
  }
  function pressed() {
    [...spans.children].forEach((button, k) =>
      button.setAttribute("aria-pressed", [null, ...Object.values(choices)][k] === chosen));
  }

  function draw() {
    const { runs, order, head, trouble: error } = feed.board;
    if (!head || !canvas.clientWidth || !tip.hidden) return;  // nothing moves under a hand
    const focused = canvas.contains(document.activeElement) ? document.activeElement.dataset.run : null;
    const now = feed.now(), width = canvas.clientWidth, rows = head.slots.map((slot) => slot.name);
    const bars = new Map(rows.map((name) => [name, []]));
    let undrawn = 0, beyond = 0, last = 0, place = 0;
    for (const id of order) {
      const run = runs.get(id), group = groupOf(run);
      if (group === "waiting") place += 1;
      if (group === "waiting" && !run.begins) { undrawn += 1; continue; }
      if (!run.begins || !run.slot || (group === "ended" && !run.ends)) continue;
      if (!bars.has(run.slot)) bars.set(run.slot, []);  // a slot of yesterday's
      bars.get(run.slot).push({ id, run, group, place, from: run.begins, to: run.ends });
      if (group === "waiting") last = Math.max(last, run.ends ?? run.begins);
    }
    const span = chosen ?? fitting(bars, now);
    LABEL = Math.min(200, Math.max(58, 12 + 6 * Math.max(0, ...[...bars.keys()].map((name) => name.length))));
    const start = now - span / 3, end = start + span, x = (moment) => LABEL + (moment - start) / span * (width - LABEL);
    const shown = [...bars].filter(([name, all]) => rows.includes(name) || all.some((bar) => bar.to > start));
    const height = AXIS + ROW * shown.length;
    const svg = built("svg:svg", { width, height, role: "img", "aria-label": "What each slot runs, and when" });
    ticks(svg, start, end, span, x, height);
    shown.forEach(([name, all], row) => {
      const y = AXIS + ROW * row, slot = head.slots.find((known) => known.name === name);
      svg.append(built("svg:line", { class: "lane", x1: LABEL, x2: width, y1: y + ROW - 0.5, y2: y + ROW - 0.5 }),
        built("svg:text", { class: "slot", x: 0, y: y + ROW / 2 + 4 }, name));
      const seen = all.filter((bar) => (bar.to ?? Infinity) > start && bar.from < end);
      beyond += all.filter((bar) => bar.group === "waiting" && bar.from >= end).length;
      for (const bar of together(seen.sort((a, b) => a.from - b.from), x)) svg.append(barOf(bar, y, x, end, now));
      if (!all.some((bar) => bar.group !== "ended" && bar.from < end)) {
        svg.append(built("svg:text", { class: "free", x: x(now) + 10, y: y + ROW / 2 + 4 },
          slot?.busy ? "busy" : "free"));
      }
    });
    svg.append(built("svg:line", { class: "now", x1: x(now), x2: x(now), y1: AXIS - 6, y2: height }),
      built("svg:text", { class: "now", x: x(now), y: AXIS - 10, "text-anchor": "middle" }, "now"));
    canvas.replaceChildren(svg);
    if (focused) canvas.querySelector(`[data-run="${focused}"]`)?.focus({ preventScroll: true });
    say(head, { undrawn, beyond, last, now, error });
  }

  function say(head, { undrawn, beyond, last, now, error }) {
    const { counts, held } = head, active = ACTIVE.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
    const parts = [`${active} at work`, `${counted(counts.queued ?? 0)} waiting` + (held ? `, ${held} held` : "")];
    if (last) parts.push(`${undrawn ? "what is known" : "all"} done in about ${lasting(last - now)} (${clock(last)})`);
    if (beyond) parts.push(`${counted(beyond)} later than shown`);
    if (undrawn) parts.push(`${counted(undrawn)} not drawn: nobody knows when they start`);
    write(words, error || parts.join(" · "));
    words.classList.toggle("error", Boolean(error));
  }

  function barOf(bar, y, x, end, now) {
    const open = bar.to == null, left = Math.max(LABEL, x(bar.from));
    const right = Math.max(left + 1.5, open ? x(end) : Math.min(x(end), x(bar.to)));
    const group = built("svg:g", { class: `bar ${bar.group} ${bar.run.state}${open ? " open" : ""}`, tabindex: 0,
      "data-run": bar.id, role: "button", "aria-label": bar.many ? `${bar.many} runs` : wordsOf(bar.run, now, bar.place).join(". ") });
    const box = { y: y + (ROW - BAR) / 2, height: BAR, rx: 3 };
    group.append(built("svg:rect", { ...box, x: left, width: right - left - 0.5 }));
    if (bar.group === "active" && !open && now > bar.from) {  // done, in the full colour
      const done = Math.min(right, x(now)) - left;
      if (done > 0) group.append(built("svg:rect", { ...box, class: "done", x: left, width: done }));
    }
    const room = Math.floor((right - left - 10) / 6.6), name = bar.many ? `${bar.many} runs` : bar.run.name;
    if (room >= 4) {
      const label = name.length > room ? `${name.slice(0, room - 1)}…` : name;
      group.append(built("svg:text", { x: left + 5, y: y + ROW / 2 + 4 }, label));
    }
    const lines = () => bar.many
      ? [`${bar.many} short runs`, `${clock(bar.from)} to ${clock(bar.to)}`, "Choose a shorter time to see each."]
      : wordsOf(bar.run, feed.now(), bar.place);
    group.onpointerenter = (event) => showTip(event, lines());
    group.onpointermove = (event) => placeTip(event);
    group.onpointerleave = () => { tip.hidden = true; draw(); };
    group.onclick = () => { tip.hidden = true; if (!bar.many) picture.open(bar.id); };
    group.onkeydown = (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); group.onclick(); } };
    return group;
  }

  function showTip(event, lines) {
    tip.replaceChildren(...lines.map((line, k) => built(k ? "div" : "strong", {}, line)));
    tip.hidden = false;
    placeTip(event);
  }
  function placeTip(event) {
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)}px`;
    tip.style.top = `${Math.min(event.clientY + 16, innerHeight - tip.offsetHeight - 8)}px`;
  }

  const resized = new ResizeObserver(draw);
  resized.observe(canvas);
  const unlisten = feed.listen(draw), timer = setInterval(() => { if (!document.hidden) draw(); }, 2000);
  picture.leave = () => { unlisten(); clearInterval(timer); resized.disconnect(); };
  return picture;
}

// The shortest span in which the runs at work end and the next few begin.
function fitting(bars, now) {
  let until = now + 300;
  for (const all of bars.values()) {
    const ahead = all.filter((bar) => bar.group !== "ended").sort((a, b) => a.from - b.from).slice(0, SHOWN_AHEAD);
    for (const bar of ahead) until = Math.max(until, bar.to ?? bar.from + 60);
    if (!ahead.length) for (const bar of all.slice(0, 3)) until = Math.max(until, now + 2 * (now - bar.to));
  }
  return SPANS.find((span) => now + span * 2 / 3 >= until) ?? SPANS.at(-1);
}

// Bars too narrow to be seen by themselves, as one.
function together(bars, x) {
  const found = [];
  for (const bar of bars) {
    const before = found.at(-1), narrow = bar.to != null && x(bar.to) - x(bar.from) < NARROW;
    if (narrow && before?.narrow && before.group === bar.group && x(bar.from) - x(before.to) < NARROW) {
      Object.assign(before, { to: Math.max(before.to, bar.to), many: (before.many ?? 1) + 1 });
    } else found.push({ ...bar, narrow });
  }
  return found;
}

function ticks(svg, start, end, span, x, height) {
  const step = STEPS.find((each) => span / each <= Math.max(3, (x(end) - LABEL) / 110)) ?? STEPS.at(-1);
  const zone = 60 * new Date(1000 * start).getTimezoneOffset();  // whole hours as the person here has them
  for (let at = Math.ceil((start - zone) / step) * step + zone; at < end; at += step) {
    if (Math.abs(x(at) - x(feed.now())) < 34) continue;  // "now" stands there
    svg.append(built("svg:line", { class: "tick", x1: x(at), x2: x(at), y1: AXIS - 4, y2: height }));
    if (x(at) < x(end) - 18 && x(at) > LABEL + 14)
      svg.append(built("svg:text", { class: "time", x: x(at), y: AXIS - 10, "text-anchor": "middle" }, clock(at)));
  }
}
