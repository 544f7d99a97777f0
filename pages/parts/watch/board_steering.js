// What people do with the runs that wait, in the list of board_list.js: dragged and moved by keys; held, released, started
// after others, edited and taken out by a menu. What is ticked goes together. Follows board_feed.js.

const EDGE = 40;  // pixels from the list's ends within which a drag rolls it

class Steering {
  constructor(list) {
    Object.assign(this, { list, picking: null, dragging: null, button: null });
    this.mark = built("div", { class: "mark", hidden: true });
    this.banner = built("div", { class: "banner", hidden: true });
    this.menu = built("div", { class: "menu", role: "menu", hidden: true, onkeydown: (event) => this.menuKey(event) });
    this.outside = (event) => { if (!this.menu.contains(event.target) && event.target !== this.button) this.closeMenu(); };
    list.space.append(this.mark);
    list.frame.insertBefore(this.banner, list.scroller);
    list.frame.append(this.menu);
  }

  // The waiting runs that go with this one, in their order.
  together(id) {
    return kept.ticked.has(id) ? this.list.waiting.filter((each) => kept.ticked.has(each)) : [id];
  }

  named(ids) {
    return ids.length === 1 ? feed.board.runs.get(ids[0])?.name ?? "the run" : `${counted(ids.length)} runs`;
  }

  // Put runs right before another one, behind all for null.
  put(ids, before) {
    const order = placed(this.list.waiting, new Set(ids), before);
    if (!order || order.every((id, k) => id === this.list.waiting[k])) return;
    this.list.say(`${this.named(ids)}: ${ordinal(order.indexOf(ids[0]) + 1)} of ${counted(order.length)}`);
    this.list.ask({ do: "move", runs: ids, before }, (waiting) => placed(waiting, new Set(ids), before) ?? waiting);
  }

  shift(id, where) {
    const ids = this.together(id), taken = new Set(ids), { waiting } = this.list;
    const others = waiting.filter((each) => !taken.has(each));
    const above = waiting.slice(0, waiting.indexOf(ids[0])).filter((each) => !taken.has(each)).length;
    const at = { top: 0, up: Math.max(0, above - 1), down: above + 1, bottom: others.length }[where];
    this.put(ids, others[at] ?? null);
    this.list.focus(id);
  }

  startDrag(event, id, row) {
    if (event.button || !this.list.steered(id)) return;
    event.preventDefault();
    event.stopPropagation();
    this.closeMenu();
    const ids = this.together(id), { grip } = row.parts, { scroller, frame, rows } = this.list;
    this.dragging = { ids: new Set(ids), row, y: event.clientY, before: undefined };
    grip.setPointerCapture(event.pointerId);
    frame.classList.add("dragging");
    for (const each of ids) rows.get(each)?.classList.add("dragged");
    const rolling = setInterval(() => {
      const box = scroller.getBoundingClientRect(), { y } = this.dragging;
      const by = Math.min(0, y - box.top - EDGE) + Math.max(0, y - box.bottom + EDGE);
      if (by) { scroller.scrollTop += Math.max(-200, Math.min(200, by)) / 3; this.aim(); }
    }, 30);
    const escape = (key) => { if (key.key === "Escape") { key.stopPropagation(); stop(false); } };
    const stop = (dropped) => {
      clearInterval(rolling);
      grip.onpointermove = grip.onpointerup = grip.onpointercancel = null;
      removeEventListener("keydown", escape, true);
      const { before } = this.dragging;
      this.dragging = null;
      this.mark.hidden = true;
      frame.classList.remove("dragging");
      if (dropped && before !== undefined) this.put(ids, before);
      this.list.refresh();
    };
    addEventListener("keydown", escape, true);
    grip.onpointermove = (move) => { this.dragging.y = move.clientY; this.aim(); };
    grip.onpointerup = () => stop(true);
    grip.onpointercancel = () => stop(false);
  }

  // Where a drop would put it: right behind the waiting run above the pointer. With a filter the next one in the list need
  // not be the next one in the queue.
  aim() {
    const { scroller, items, tops, waiting } = this.list, { dragging } = this;
    const pixels = dragging.y - scroller.getBoundingClientRect().top + scroller.scrollTop;
    const first = items.findIndex((item) => item.group === "waiting");
    const end = first + items.filter((item) => item.group === "waiting").length;
    const at = Math.max(first, Math.min(end, this.list.itemAt(pixels + ROW / 2)));
    const others = waiting.filter((id) => !dragging.ids.has(id));
    const above = items.slice(first, at).findLast((item) => !dragging.ids.has(item.id));
    const below = items.slice(at, end).find((item) => !dragging.ids.has(item.id));
    dragging.before = above ? others[others.indexOf(above.id) + 1] ?? null : below?.id ?? null;
    this.mark.hidden = false;
    this.mark.style.transform = `translateY(${tops[at] - 2}px)`;
  }

  openMenu(id, button) {
    if (!this.list.steered(id)) return;
    if (this.button === button && !this.menu.hidden) { this.closeMenu(); return; }
    const { frame } = this.list, ids = this.together(id);
    this.menu.replaceChildren(built("div", { class: "title" }, this.named(ids)), ...this.entries(id, ids));
    this.button = button;
    this.menu.hidden = false;
    const at = button.getBoundingClientRect(), box = frame.getBoundingClientRect(), tall = this.menu.offsetHeight;
    const top = at.bottom + tall < innerHeight - 8 ? at.bottom : Math.max(8, Math.min(at.top - tall, innerHeight - tall - 8));
    Object.assign(this.menu.style, { top: `${top - box.top}px`, right: `${Math.max(4, box.right - at.right)}px` });
    this.menu.querySelector("[role=menuitem]").focus({ preventScroll: true });
    addEventListener("pointerdown", this.outside, true);
  }

  entries(id, ids) {
    const runs = ids.map((each) => feed.board.runs.get(each)), [run] = runs, one = ids.length === 1;
    const entry = (label, act, keys = "") => built("button", { type: "button", role: "menuitem", tabindex: -1,
      onclick: () => { this.closeMenu(); act(); } }, label, built("kbd", {}, keys));
    const ask = (what, apply) => () => this.list.ask({ runs: ids, ...what }, apply);
    const priority = built("input", { type: "number", min: -1000, max: 1000, step: 1, value: run.priority ?? 0, "aria-label": "Priority" });
    const form = built("form", { onsubmit: (event) => {
      event.preventDefault();
      this.closeMenu();
      if (priority.value !== "") ask({ do: "priority", value: Number(priority.value) })();
    } }, "Priority", priority, built("button", { type: "submit" }, "Set"));
    const gone = new Set(ids);
    return [
      entry("To the top", () => this.shift(id, "top"), "Alt Home"),
      entry("Up", () => this.shift(id, "up"), "Alt ↑"),
      entry("Down", () => this.shift(id, "down"), "Alt ↓"),
      entry("To the bottom", () => this.shift(id, "bottom"), "Alt End"),
      form,
      runs.some((each) => !each.held) && entry("Hold", ask({ do: "hold" })),
      runs.some((each) => each.held || each.due > feed.now()) && entry("Release", ask({ do: "release" })),
      one && entry("Start after another run …", () => this.startPicking(id)),
      one && run.after && entry("Start without waiting for it", ask({ do: "after", after: null })),
      one && entry("Edit …", ask({ do: "edit" })),
      one && entry("Duplicate", ask({ do: "duplicate" })),
      entry("Remove from the queue", ask({ do: "remove" }, (waiting) => waiting.filter((each) => !gone.has(each)))),
    ].filter(Boolean);
  }

  closeMenu() {
    if (this.menu.hidden) return;
    if (this.menu.contains(document.activeElement)) this.button?.closest(".row")?.focus({ preventScroll: true });
    this.menu.hidden = true;
    removeEventListener("pointerdown", this.outside, true);
  }

  menuKey(event) {
    const entries = [...this.menu.querySelectorAll("[role=menuitem], input")], at = entries.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape" || event.key === "Tab") this.closeMenu();
    else if (step) entries[(at + step + entries.length) % entries.length].focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // The next run that is clicked is the one after which this one starts.
  startPicking(id) {
    const any = built("input", { type: "checkbox" });
    this.picking = { id, any };
    this.banner.replaceChildren(built("span", {}, `Choose the run after which ${feed.board.runs.get(id).name} starts.`),
      built("label", {}, any, " also if that one fails"), built("button", { type: "button", onclick: () => this.stopPicking() }, "Cancel"));
    this.banner.hidden = false;
    this.list.frame.classList.add("picking");
  }

  stopPicking() {
    this.picking = null;
    this.banner.hidden = true;
    this.list.frame.classList.remove("picking");
  }

  picked(after) {
    const { id, any } = this.picking;
    if (after === id) return;
    this.stopPicking();
    this.list.ask({ do: "after", runs: [id], after, any: any.checked });
  }
}

// An order in which these ids stand right before another one, behind all for null; null where that one is not there.
function placed(order, ids, before) {
  const others = order.filter((id) => !ids.has(id)), at = before == null ? others.length : others.indexOf(before);
  return at < 0 ? null : [...others.slice(0, at), ...order.filter((id) => ids.has(id)), ...others.slice(at)];
}
