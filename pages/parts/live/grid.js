// The runs at work side by side, where there are several: name, state, how far, largest residual and a small curve.
// Data of the component: { run, empty }: the run that is shown large, and whether the page has none to show.

const SVG = "http://www.w3.org/2000/svg";

class Grid {
  constructor(root) {
    Object.assign(this, { root, cards: new Map() });
  }

  given(data, tell) {
    Object.assign(this, { data, tell });
    this.source ??= liveSource("live/runs", {
      update: (news) => this.update(news),
      trouble: (sentence) => { this.root.classList.toggle("lab-stale", sentence !== ""); },
    });
    this.mark();
  }

  stop() {
    this.source.stop();
  }

  update(news) {
    const runs = news.active.length > 1 ? news.active : [];
    const there = new Set(runs.map((run) => run.id));
    for (const [id, card] of this.cards) if (!there.has(id)) { card.remove(); this.cards.delete(id); }
    for (const run of runs) this.show(run);
    this.root.append(...runs.map((run) => this.cards.get(run.id)).filter((card, k) => this.root.children[k] !== card));
    this.root.hidden = !runs.length;
    this.mark();
    if (this.data.empty && (news.active.length || news.waiting.length)) this.tell("appeared", true);
  }

  show(run) {
    let card = this.cards.get(run.id);
    if (!card) {
      const svg = document.createElementNS(SVG, "svg"), line = document.createElementNS(SVG, "polyline");
      svg.setAttribute("viewBox", "-4 -4 308 108");
      svg.setAttribute("preserveAspectRatio", "none");
      svg.append(line);
      card = made("button", "lab-card", "", made("b"), made("span"), svg);
      card.type = "button";
      card.onclick = () => this.tell("open", run.id);
      this.cards.set(run.id, card);
    }
    const [name, words, svg] = card.children;
    write(name, run.name);
    card.title = run.name;
    write(words, `${run.state} ${run.percent} · max |R| ${run.max_residual}`);
    if (svg.firstChild.getAttribute("points") !== run.curve) svg.firstChild.setAttribute("points", run.curve);
  }

  mark() {
    for (const [id, card] of this.cards) card.setAttribute("aria-pressed", String(id === this.data.run));
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".lab-grid");
  root.grid ??= new Grid(root);
  root.grid.given(data, setTriggerValue);
  return () => {
    root.grid?.stop();
    root.grid = undefined;
  };
}
