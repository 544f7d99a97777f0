// What of a run moves: progress, rungs of a stop, key figures, charts and the log. Data of the component:
// { run, structure, drawn, expects, large }: the run's id; a digest of what Streamlit has drawn of it, and when (seconds
// of the server's clock); the charts that room is kept for; whether it is for a projector: large, and nothing to press.

const CHARTS = { residual: 400, lambda: 230, machine: 252 };
const AXES = [["iteration", "iterations"], ["wall_time_s", "time"]];
const PRESENTED = { residual: 0.63, lambda: 0.37 }; // parts of what key figures leave of a projector's window
const KEPT_CHARACTERS = 400000, MOST_FOUND = 5000;

const DARK = window.matchMedia("(prefers-color-scheme: dark)");
const inkOf = (element) => getComputedStyle(element).getPropertyValue("--st-text-color").trim();

class RunView {
  constructor(root, data) {
    Object.assign(this, { root, run: data.run, large: data.large, figures: {}, boxes: {}, logEnd: null, axis: window.singularityLabAxis || "iteration" });
    this.trouble = made("p", "lab-trouble");
    this.trouble.hidden = true;
    this.bar = made("i");
    this.words = made("p", "lab-words");
    this.progress = made("div", "lab-progress", "", made("div", "lab-bar", "", this.bar), this.words);
    this.progress.hidden = true;
    this.rungs = made("ol", "lab-rungs");
    this.cells = made("dl", "lab-figures");
    this.charts = made("div", "lab-charts");
    this.log = new LogView(this);
    root.replaceChildren(this.trouble, this.progress, this.rungs, this.cells, this.axes(), this.charts, this.log.root);
    this.toggle.hidden = true;
    root.classList.toggle("lab-large", this.large);
    this.source = liveSource(`live/run/${this.run}`, {
      update: (news) => this.update(news),
      trouble: (sentence) => { this.trouble.hidden = !sentence; write(this.trouble, sentence); },
      parameters: () => ({ axis: this.axis, ...(this.logEnd === null ? {} : { log: this.logEnd }) }),
    });
    this.list = liveSource("live/runs", { // a run that rests is asked about again once it is at work
      update: (news) => {
        const there = news.waiting.includes(this.run) || news.active.some((run) => run.id === this.run);
        if (there && this.rests) this.source.again();
      },
      trouble: () => {},
    });
    const drawAll = () => { for (const name of Object.keys(this.figures)) this.draw(name); };
    this.resized = () => { if (this.large) drawAll(); };
    window.addEventListener("resize", this.resized);
    this.recoloured = () => { if (this.ink && this.ink !== inkOf(root)) drawAll(); };
    this.themeChanged = () => setTimeout(this.recoloured, 1000);
    DARK.addEventListener("change", this.themeChanged);
    plotly().catch(() => {}); // five megabytes, loaded before the first residual is there
  }

  given(data, tell) {
    if (this.drawn !== undefined && this.drawn !== data.drawn) this.source.again(); // something was done here: look at once
    Object.assign(this, { structure: data.structure, drawn: data.drawn, tell });
    data.expects.forEach((name) => this.box(name));
    setTimeout(this.recoloured, 300); // this is also how a component hears of another theme, before the page has it
  }

  stop() {
    this.stopped = true;
    DARK.removeEventListener("change", this.themeChanged);
    window.removeEventListener("resize", this.resized);
    this.source.stop();
    this.list.stop();
    for (const { chart } of Object.values(this.boxes)) window.Plotly?.purge(chart);
  }

  update(news) {
    this.rests = news.rests;
    const moved = this.large && this.progress.hidden !== !news.progress; // its charts fill what is left
    this.progress.hidden = !news.progress;
    if (news.progress) {
      this.bar.style.width = `${(100 * news.progress[0]).toFixed(1)}%`;
      write(this.words, news.progress[1]);
    }
    this.showRungs(news.rungs);
    this.showFigures(news.figures);
    for (const [name, part] of Object.entries(news.charts)) {
      if (part === null) {
        delete this.figures[name];
        this.empty(name);
        continue;
      }
      const before = this.figures[name];
      if (part.data) this.figures[name] = part;
      else {
        if (part.layout) before.layout = part.layout;
        (part.traces || []).forEach(([keep, x, y], k) => {
          const trace = before.data[k];
          trace.x = trace.x.slice(0, keep).concat(x);
          trace.y = trace.y.slice(0, keep).concat(y);
        });
      }
      this.draw(name);
    }
    if (moved) this.resized();
    if (news.whole)
      for (const name of Object.keys(this.boxes)) if (!news.charts[name]) { delete this.figures[name]; this.empty(name); }
    if (news.rests && !Object.keys(this.figures).length) this.charts.replaceChildren(), (this.boxes = {});
    this.toggle.hidden = !Object.keys(this.figures).length;
    this.log.add(news.log);
    this.logEnd = news.log.end;
    const newer = news.seen > this.drawn; // else Streamlit has drawn what is not in these news yet
    if (newer && news.structure !== this.structure && news.structure !== this.told) {
      this.told = news.structure;
      this.tell("changed", news.structure);
    }
  }

  showRungs(rungs) {
    const texts = rungs.map(([moment, words]) => {
      const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
      return `${new Date(1000 * moment).toLocaleTimeString("en-GB")} ${zone} · ${words}`;
    });
    if (texts.join("\n") === this.rungTexts) return;
    this.rungTexts = texts.join("\n");
    this.rungs.replaceChildren(...texts.map((text) => made("li", "", text)));
  }

  showFigures(figures) {
    while (this.cells.children.length > figures.length) this.cells.lastChild.remove();
    figures.forEach(([label, value], k) => {
      const cell = this.cells.children[k] || this.cells.appendChild(made("div", "", "", made("dt"), made("dd")));
      write(cell.firstChild, label);
      write(cell.lastChild, value);
    });
  }

  axes() {
    const group = `lab-axis-${this.run}`;
    this.toggle = made("div", "lab-axes", "over");
    for (const [axis, words] of AXES) {
      const choice = Object.assign(document.createElement("input"), { type: "radio", name: group, checked: axis === this.axis });
      choice.onchange = () => {
        this.axis = window.singularityLabAxis = axis;
        this.range = null;
        this.source.anew();
      };
      this.toggle.append(made("label", "", "", choice, words));
    }
    return this.toggle;
  }

  // In pixels; on a projector all charts together fill what the key figures leave of the window.
  height(name, wanted) {
    if (!this.large) return wanted || CHARTS[name];
    const room = window.innerHeight - this.charts.getBoundingClientRect().top - window.scrollY - 16;
    return Math.max(160, Math.floor(room * (this.boxes.lambda ? PRESENTED[name] : 1)));
  }

  box(name) {
    if (this.large && !(name in PRESENTED)) return null;
    if (!this.boxes[name]) {
      const chart = made("div", "lab-chart"), note = made("p", "lab-note");
      chart.style.height = `${this.height(name)}px`;
      const box = made("div", `lab-box lab-${name}`, "", chart, note);
      this.boxes[name] = { box, chart, note };
      this.charts.append(...Object.keys(CHARTS).filter((each) => this.boxes[each]).map((each) => this.boxes[each].box));
      this.empty(name);
    }
    return this.boxes[name];
  }

  empty(name) {
    if (!this.boxes[name]) return;
    const { chart, note } = this.boxes[name];
    if (window.Plotly) window.Plotly.purge(chart);
    chart.linked = false;
    note.hidden = false;
    write(note, name === "residual" ? "The first residual will appear here." : "");
  }

  // What is zoomed in one chart is zoomed in all: they have one x axis.
  zoomed(name, change) {
    if (change["xaxis.autorange"]) this.range = null;
    else if ("xaxis.range[0]" in change) this.range = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    else return;
    for (const other of Object.keys(this.figures)) if (other !== name) this.draw(other);
  }

  draw(name) {
    if (!this.box(name)) return;
    const { chart, note } = this.box(name);
    plotly().then(async (Plotly) => {
      const figure = this.figures[name];
      if (this.stopped || !figure) return;
      note.hidden = true;
      chart.style.height = `${this.height(name, figure.layout.height)}px`;
      const data = figure.data.map((trace) => ({ ...trace }));
      const layout = this.large ? enlarged(themed(figure.layout, this.root), data) : themed(figure.layout, this.root);
      this.ink = inkOf(this.root);
      if (this.range) layout.xaxis = { ...layout.xaxis, range: [...this.range], autorange: false };
      await Plotly.react(chart, { data, layout, config: { ...chartConfig(`${name}-${this.run}`), staticPlot: this.large } });
      if (!chart.linked) {
        chart.linked = true;
        chart.on("plotly_relayout", (change) => this.zoomed(name, change));
      }
    }).catch((error) => {
      note.hidden = false;
      write(note, `This chart could not be drawn: ${error.message}`);
    });
  }
}

class LogView {
  constructor(view) {
    Object.assign(this, { view, kept: 0, carry: "", start: 0, found: null });
    this.filter = Object.assign(made("input"), { type: "search", placeholder: "Filter", maxLength: 200 });
    this.filter.setAttribute("aria-label", "Filter the log");
    this.follow = Object.assign(made("input"), { type: "checkbox", checked: true });
    const file = Object.assign(made("a", "", "Download"), { download: "", href: new URL(`live/run/${view.run}/log.txt`, document.baseURI) });
    this.about = made("span", "lab-about");
    this.text = made("pre");
    this.text.tabIndex = 0;
    this.more = made("button", "", "Look further back");
    this.more.type = "button";
    this.more.hidden = true;
    const follow = made("label", "", "", this.follow, "Follow");
    const head = made("header", "", "", made("span", "lab-title", "Log"), this.filter, follow, file, this.about);
    this.root = made("section", "lab-log", "", head, this.text, this.more);
    this.root.hidden = true;
    this.filter.oninput = () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.search(), 300);
    };
    this.more.onclick = () => this.search(this.found.start);
    this.follow.onchange = () => this.stick();
    this.text.onscroll = () => { // who scrolls up wants to read; who comes back to the end, to follow
      const end = this.text.scrollHeight - this.text.clientHeight - this.text.scrollTop < 8;
      if (!this.sticking) this.follow.checked = end;
      this.sticking = false;
    };
  }

  add({ text, start, size }) {
    this.size = size;
    this.root.hidden = !size;
    if (start !== this.view.logEnd) { // the beginning, or more was printed than is sent at once
      this.pieces = [];
      this.kept = 0;
      this.start = start;
      this.carry = "";
    }
    if (!text && this.shown) return;
    this.shown = true;
    this.pieces.push(text);
    this.kept += text.length;
    while (this.kept > KEPT_CHARACTERS && this.pieces.length > 1) this.kept -= this.pieces.shift().length;
    if (this.found) {
      const lines = (this.carry + text).split("\n");
      this.carry = lines.pop();
      const wanted = this.filter.value.toLowerCase();
      const matching = lines.filter((line) => line.toLowerCase().includes(wanted));
      this.found.lines.push(...matching);
      this.found.lines.splice(0, this.found.lines.length - MOST_FOUND);
      if (matching.length) this.show();
    } else this.show();
  }

  show() {
    const lines = this.found ? this.found.lines.join("\n") : this.pieces.join("").replace(/\n$/, "");
    write(this.text, this.found && !lines ? "No line has this in it." : lines);
    const megabytes = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
    if (this.found) {
      const back = this.found.start > 0 ? `of the last ${megabytes(this.size - this.found.start)}` : "of the whole log";
      write(this.about, `${this.found.lines.length.toLocaleString("en")} lines ${back}`);
    } else write(this.about, this.start > 0 ? `the end of ${megabytes(this.size)}` : "");
    this.more.hidden = !this.found || this.found.start === 0;
    this.stick();
  }

  stick() {
    if (!this.follow.checked) return;
    this.sticking = true;
    this.text.scrollTop = this.text.scrollHeight;
    requestAnimationFrame(() => { this.sticking = false; });
  }

  async search(before) {
    const wanted = this.filter.value;
    if (!wanted) {
      this.found = null;
      this.show();
      return;
    }
    const address = new URL(`live/run/${this.view.run}/log`, document.baseURI);
    address.searchParams.set("find", wanted);
    if (before !== undefined) address.searchParams.set("before", before);
    try {
      const answer = await fetch(address, { cache: "no-store" });
      const found = await answer.json();
      if (wanted !== this.filter.value) return;
      if (!answer.ok) throw new Error(found.error);
      if (before !== undefined) found.lines.push(...this.found.lines);
      this.found = found;
      this.carry = "";
      this.show();
    } catch (error) {
      write(this.about, error.message || "The log could not be searched.");
    }
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".lab-live");
  if (root.view?.run !== data.run) {
    root.view?.stop();
    root.view = new RunView(root, data);
  }
  root.view.given(data, setTriggerValue);
  return () => {
    root.view?.stop();
    root.view = undefined;
  };
}
