// The list of all runs: filtered, ticked, opened. Only the rows in sight are there. Follows board_feed.js and
// board_steering.js.
// Data of the component: { chosen, height, answer, steers }: the run that is shown large, pixels, what became of what was
// asked, whether whoever looks may steer what waits.

const ROW = 46, HEAD = 30, AROUND = 6;
const GROUPS = { active: "At work", waiting: "Waiting", ended: "Ended" };
const PATIENCE_MS = 15000;  // so long what was asked for is shown without an answer
// outlives updates, reruns and visits to other pages; all by run id
const kept = { ticked: new Set(), group: "all", text: "", scroll: 0, at: null, asked: 0 };

class RunList {
  constructor(frame) {
    Object.assign(this, { frame, items: [], tops: [0], rows: new Map(), places: new Map(), waiting: [], pending: [], last: null });
    this.tabs = built("div", { class: "tabs", role: "group", "aria-label": "Which runs" });
    this.filter = built("input", { type: "search", placeholder: "Filter by name, problem, state, id", "aria-label": "Filter runs",
      spellcheck: "false", oninput: () => { kept.text = this.filter.value; kept.scroll = 0; this.refresh(); } });
    this.filter.value = kept.text;
    this.all = built("input", { type: "checkbox", "aria-label": "Tick all runs of this list", onclick: () => this.tickAll() });
    this.count = built("span", {});
    this.none = built("button", { type: "button", hidden: true, onclick: () => { kept.ticked.clear(); this.ticked(); } }, "untick all");
    this.space = built("div", { class: "space", role: "presentation" });
    this.scroller = built("div", { class: "scroller", role: "grid", "aria-label": "Runs", tabindex: -1,
      onscroll: () => { kept.scroll = this.scroller.scrollTop; this.steering.closeMenu(); this.draw(); } }, this.space);
    this.said = built("div", { class: "said", role: "status", "aria-live": "polite" });
    frame.replaceChildren(this.tabs, built("div", { class: "tools" }, built("label", {}, this.all, this.count), this.none,
      this.filter), this.scroller, this.said);
    this.steering = new Steering(this);
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.scroller);
    const refresh = () => { if (!this.steering.dragging) this.refresh(); };
    this.unlisten = feed.listen(refresh);
    this.timer = setInterval(() => { if (!document.hidden) refresh(); }, 5000);
  }

  stop() {
    this.unlisten();
    clearInterval(this.timer);
    this.resized.disconnect();
    this.steering.closeMenu();
  }

  given({ data, setTriggerValue, setStateValue }) {
    Object.assign(this, { chosen: data.chosen, steers: data.steers, send: setTriggerValue, remember: setStateValue });
    this.scroller.style.maxHeight = `${data.height}px`;
    const { event, answers = {} } = data.answer ?? {};
    for (const asked of this.pending.filter((each) => each.event == null && each.what.token in answers)) {
      const { said, refused } = answers[asked.what.token];
      asked.event = event;
      if (refused) this.pending = this.pending.filter((each) => each !== asked);
      this.say(refused || said || this.said.textContent);
      feed.changed(event);
    }
    this.refresh();
  }

  // What is asked for is shown at once, until the board knows it or it was refused; `apply` makes the new order. All that
  // has no answer yet is sent again with it: of two messages that come while a page is drawn, Streamlit drops the first.
  ask(what, apply = null) {
    const token = `${Date.now()}.${kept.asked += 1}`;
    this.pending.push({ what: { token, ...what }, apply, event: null, until: Date.now() + PATIENCE_MS });
    this.send("asked", this.pending.filter((each) => each.event == null).map((each) => each.what));
    this.refresh();
  }

  refresh() {
    const { board } = feed, { runs } = board;
    if (!board.head) { write(this.count, board.trouble || "Reading the runs …"); return; }
    this.pending = this.pending.filter((each) => Date.now() < each.until && !(each.event != null && board.head.event >= each.event));
    const groups = { active: [], waiting: [], ended: [] };
    for (const id of board.order) groups[groupOf(runs.get(id))].push(id);
    for (const { apply } of this.pending) if (apply) groups.waiting = apply(groups.waiting);
    this.waiting = groups.waiting;
    this.places = new Map(this.waiting.map((id, k) => [id, k + 1]));
    const gone = [...kept.ticked].filter((id) => !runs.has(id));
    for (const id of gone) kept.ticked.delete(id);
    if (gone.length) this.remember?.("ticked", [...kept.ticked]);
    const words = kept.text.toLowerCase().split(/\s+/).filter(Boolean);
    this.items = [];
    for (const group of Object.keys(GROUPS)) {
      if (kept.group !== "all" && kept.group !== group) continue;
      const ids = words.length ? groups[group].filter((id) => fits(id, runs.get(id), words)) : groups[group];
      if (kept.group === "all" && ids.length) this.items.push({ head: GROUPS[group], size: ids.length });
      for (const id of ids) this.items.push({ id, group });
    }
    let top = 0;
    this.tops = [0, ...this.items.map((item) => (top += item.id ? ROW : HEAD))];
    this.ids = this.items.filter((item) => item.id).map((item) => item.id);
    this.showHead(board, groups);
    this.space.style.height = `${Math.max(ROW, this.tops.at(-1))}px`;
    if (Math.abs(this.scroller.scrollTop - kept.scroll) > 1) this.scroller.scrollTop = kept.scroll;
    this.draw();
  }

  showHead({ head, trouble }, groups) {
    const total = Object.values(head.counts).reduce((sum, each) => sum + each, 0);
    const texts = { all: `All ${counted(total)}`, active: `At work ${groups.active.length}`,
      waiting: `Waiting ${counted(this.waiting.length)}${head.held ? ` · ${head.held} held` : ""}`,
      ended: `Ended ${counted(total - groups.active.length - (head.counts.queued ?? 0))}` };
    for (const [group, text] of Object.entries(texts)) {
      const button = this.tabs.querySelector(`[data-group=${group}]`) ?? this.tabs.appendChild(built("button", { type: "button",
        "data-group": group, onclick: () => { kept.group = group; kept.scroll = this.scroller.scrollTop = 0; this.refresh(); } }));
      write(button, text);
      button.setAttribute("aria-pressed", String(kept.group === group));
    }
    const chosen = this.ids.filter((id) => kept.ticked.has(id)).length, hidden = kept.ticked.size - chosen;
    this.all.checked = chosen > 0 && chosen === this.ids.length;
    this.all.indeterminate = chosen > 0 && !this.all.checked;
    write(this.count, kept.ticked.size ? `${counted(kept.ticked.size)} ticked${hidden ? `, ${hidden} not shown` : ""}`
      : `${counted(this.ids.length)} shown`);
    this.none.hidden = !kept.ticked.size;
    this.scroller.setAttribute("aria-rowcount", this.items.length);
    if (trouble || this.said.classList.contains("error")) this.say(trouble, trouble !== "");
    else if (!this.ids.length) this.say(kept.text ? "No run fits the filter." : "No run is here now.");
  }

  say(text, error = false) {
    write(this.said, text);
    this.said.classList.toggle("error", error);
  }

  // The item at so many pixels from the top.
  itemAt(pixels) {
    let low = 0, high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.tops[middle + 1] > pixels) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  draw() {
    const { scroller, rows, items, tops } = this, now = feed.now(), there = new Set();
    const from = Math.max(0, this.itemAt(scroller.scrollTop) - AROUND);
    const to = Math.min(items.length, this.itemAt(scroller.scrollTop + scroller.clientHeight) + 1 + AROUND);
    const drawn = items.slice(from, to);
    const entry = drawn.some((item) => item.id && item.id === kept.at) ? kept.at : drawn.find((item) => item.id)?.id;
    drawn.forEach((item, k) => {
      const key = item.id ?? item.head;
      there.add(key);
      if (!rows.has(key)) rows.set(key, this.space.appendChild(item.id ? this.makeRow(item.id) : built("div", { class: "group" })));
      const row = rows.get(key);
      row.style.transform = `translateY(${tops[from + k]}px)`;
      if (item.head) { write(row, `${item.head} ${counted(item.size)}`); return; }
      row.setAttribute("aria-rowindex", from + k + 1);
      row.tabIndex = item.id === entry ? 0 : -1;
      this.fill(row, item.id, now);
    });
    for (const [key, row] of rows) {
      if (there.has(key) || this.steering.dragging?.row === row) continue;
      if (row.contains(document.activeElement)) scroller.focus({ preventScroll: true });
      row.remove();
      rows.delete(key);
    }
  }

  makeRow(id) {
    const part = (name, attributes = {}, tag = "span") => built(tag, { class: name, ...attributes });
    const parts = { name: part("name"), when: part("when"), state: part("state"), value: part("value"), bar: part("bar"),
      grip: part("grip", { "aria-hidden": "true", title: "Drag to reorder" }) };
    parts.grip.append("⠿");
    parts.tick = built("input", { type: "checkbox", tabindex: -1, onclick: (event) => { event.stopPropagation(); this.tick(id, event.shiftKey); } });
    parts.more = built("button", { class: "more", type: "button", tabindex: -1, "aria-haspopup": "menu",
      onclick: (event) => { event.stopPropagation(); this.steering.openMenu(id, parts.more); } }, "⋮");
    const cell = (name, ...children) => built("span", { role: "gridcell", class: name }, ...children);
    const row = built("div", { role: "row", "data-run": id }, cell("ticks", parts.grip, parts.tick), cell("text", parts.name, parts.state),
      cell("numbers", parts.when, parts.value), cell("actions", parts.more), parts.bar);
    row.parts = parts;
    row.onclick = () => { if (this.steering.picking) this.steering.picked(id); else { kept.at = id; this.send("opened", id); } };
    row.onfocus = () => { kept.at = id; };
    row.onpointerenter = () => { row.title = wordsOf(feed.board.runs.get(id), feed.now(), this.places.get(id)).join("\n"); };
    row.onkeydown = (event) => this.key(event, id);
    row.oncontextmenu = (event) => { if (this.steered(id)) { event.preventDefault(); this.steering.openMenu(id, parts.more); } };
    parts.grip.onpointerdown = (event) => this.steering.startDrag(event, id, row);
    parts.grip.onclick = (event) => event.stopPropagation();
    return row;
  }

  fill(row, id, now) {
    const run = feed.board.runs.get(id), group = groupOf(run), place = this.places.get(id), { parts } = row;
    row.className = `row ${group} ${run.state}${id === this.chosen ? " open" : ""}${run.held ? " held" : ""}`;
    row.setAttribute("aria-selected", String(kept.ticked.has(id)));
    row.setAttribute("aria-current", String(id === this.chosen));
    parts.tick.checked = kept.ticked.has(id);
    parts.tick.setAttribute("aria-label", `Tick ${run.name}`);
    parts.more.setAttribute("aria-label", `Actions for ${run.name}`);
    parts.grip.hidden = parts.more.hidden = !this.steers || group !== "waiting";
    write(parts.name, run.name);
    write(parts.when, whenOf(run, now));
    write(parts.state, stateOf(run, group, place, now));
    write(parts.value, run.residual != null ? residual(run.residual)
      : group === "waiting" && run.begins && run.ends ? `takes ${lasting(run.ends - run.begins)}` : "");
    parts.bar.style.width = group === "active" ? `${100 * (run.fraction ?? 0)}%` : "0";
  }

  ticked() {
    // the bar below the list is Streamlit's, and its elements are told no colours
    const color = getComputedStyle(this.frame).getPropertyValue("--st-background-color");
    document.documentElement.style.setProperty("--board-background", color);
    this.remember("ticked", [...kept.ticked]);
    this.refresh();
  }

  tick(id, toHere) {
    const on = !kept.ticked.has(id), [a, b] = [this.ids.indexOf(this.last), this.ids.indexOf(id)].sort((one, two) => one - two);
    for (const each of toHere && a >= 0 ? this.ids.slice(a, b + 1) : [id]) kept.ticked[on ? "add" : "delete"](each);
    this.last = id;
    this.ticked();
  }

  tickAll() {
    const on = !this.ids.every((id) => kept.ticked.has(id));
    for (const id of this.ids) kept.ticked[on ? "add" : "delete"](id);
    this.ticked();
  }

  focus(id) {
    const k = this.items.findIndex((item) => item.id === id), { scroller, tops } = this;
    if (k < 0) return;
    kept.at = id;
    if (tops[k] < scroller.scrollTop) scroller.scrollTop = tops[k];
    if (tops[k + 1] > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = tops[k + 1] - scroller.clientHeight;
    this.draw();
    this.rows.get(id)?.focus({ preventScroll: true });
  }

  // Whether whoever looks may move this run, and do with it what else is done with those that wait.
  steered(id) {
    return this.steers && this.places.has(id);
  }

  key(event, id) {
    if (event.target !== event.currentTarget) return;
    const at = this.ids.indexOf(id), page = Math.max(1, Math.floor(this.scroller.clientHeight / ROW) - 1);
    const shifts = { ArrowUp: "up", ArrowDown: "down", Home: "top", End: "bottom" };
    const next = { ArrowUp: at - 1, ArrowDown: at + 1, PageUp: at - page, PageDown: at + page, Home: 0, End: this.ids.length - 1 }[event.key];
    if (event.altKey && shifts[event.key]) { if (this.steered(id)) this.steering.shift(id, shifts[event.key]); }
    else if (next !== undefined) this.focus(this.ids[Math.max(0, Math.min(this.ids.length - 1, next))]);
    else if (event.key === "Enter") event.currentTarget.onclick();
    else if (event.key === " ") this.tick(id, event.shiftKey);
    else if (event.key === "ContextMenu" || event.key === "m" || (event.key === "F10" && event.shiftKey)) this.steering.openMenu(id, this.rows.get(id).parts.more);
    else if (event.key === "Escape" && this.steering.picking) this.steering.stopPicking();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function fits(id, run, words) {
  const text = `${run.name} ${run.problem} ${run.state} ${run.held ? "held" : ""} ${run.batch ?? ""} ${id}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

function stateOf(run, group, place, now) {
  const words = group === "active" ? run.pending ? [run.pending] : [run.state, percent(run), run.phase]
    : group === "ended" ? [run.state, run.state === "paused" && percent(run), run.begins && run.ends && `took ${lasting(run.ends - run.begins)}`]
    : [ordinal(place), run.priority && `priority ${run.priority}`, run.after && `after ${run.after}`,
      run.due > now && `tries again in ${lasting(run.due - now)}`, run.device];
  return words.filter(Boolean).join(" · ");
}

export default function (component) {
  const frame = component.parentElement.querySelector(".board-list");
  frame.list ??= new RunList(frame);
  frame.list.given(component);
  return () => {
    frame.list?.stop();
    frame.list = undefined;
  };
}
