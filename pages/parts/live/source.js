// One question a second for all parts of a page that show the same: `liveSource("live/runs", part)`.
//
// A part is { update(news), trouble(sentence), parameters() }. `update` gets each answer; `trouble` a sentence while
// there is something wrong and "" when it is over; `parameters`, where it is there, what else to ask for.
// Returns { stop(), again(), anew() }: no more questions of this part; one at once; one for everything, at once.

const LIVE_HIDDEN_S = 10, LIVE_LONGEST_S = 8, LIVE_ANSWER_MS = 10000;

class LiveSource {
  constructor(path, gone) {
    Object.assign(this, { path, gone, parts: new Set(), version: "", newest: null, said: "", failures: 0, asking: false });
    this.seen = () => { if (!document.hidden) this.soon(0); };
    document.addEventListener("visibilitychange", this.seen);
  }

  add(part) {
    this.parts.add(part);
    if (this.newest) part.update(this.newest);
    this.resting = false;
    this.soon(0);
  }

  remove(part) {
    if (!this.parts.delete(part) || this.parts.size) return;
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.seen);
    this.gone();
  }

  soon(seconds) {
    clearTimeout(this.timer);
    if (this.parts.size && !this.resting) this.timer = setTimeout(() => this.ask(), 1000 * seconds);
  }

  anew() {
    this.version = "";
    this.generation = (this.generation || 0) + 1; // an answer that is on its way is to another question
    this.again();
  }

  again() {
    this.resting = false;
    this.soon(0);
  }

  async ask() {
    if (this.asking) { this.soon(0.05); return; }
    this.asking = true;
    const generation = this.generation;
    let wait;
    try {
      wait = await this.asked(generation);
      this.failures = 0;
    } catch (error) {
      this.failures += 1;
      wait = Math.min(LIVE_LONGEST_S, 2 ** (this.failures - 1));
      if (this.failures > 1 || error.sentence) this.say(error.sentence || "Connection lost, trying again.");
    }
    this.asking = false;
    this.soon(generation === this.generation ? Math.max(wait, document.hidden ? LIVE_HIDDEN_S : 0) : 0);
  }

  async asked(generation) {
    const address = new URL(this.path, document.baseURI);
    if (this.version) address.searchParams.set("since", this.version);
    for (const part of this.parts)
      for (const [name, value] of Object.entries(part.parameters?.() || {})) address.searchParams.set(name, value);
    const answer = (address.search ? null : await this.early())
      ?? await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(LIVE_ANSWER_MS) });
    const wait = Number(answer.headers.get("lab-next") || 1) + 0.05 * Math.random();
    if (answer.status === 204) {
      this.say("");
      return wait;
    }
    if (!(answer.headers.get("content-type") || "").startsWith("application/json"))
      throw answer.ok ? Object.assign(new Error(), {
        sentence: "This server does not tell what moves. Start it with: python -m core serve" }) : new Error();
    const news = await answer.json();
    if (news.signed_out) location.reload(); // to the page that says why, and where to sign in
    if (!answer.ok) throw Object.assign(new Error(), { sentence: news.error });
    if (generation !== this.generation) return 0;
    this.version = news.version;
    this.newest = news;
    this.resting = news.rests === true;
    this.say("");
    try {
      for (const part of [...this.parts]) part.update(news);
    } catch (error) { // what is on the page is not what the next news build upon
      this.version = "";
      throw error;
    }
    return wait;
  }

  // what the page's head has asked for already, once
  early() {
    const asked = window.singularityLabEarly?.get(this.path);
    window.singularityLabEarly?.delete(this.path);
    return asked;
  }

  say(sentence) {
    if (sentence === this.said) return;
    this.said = sentence;
    for (const part of this.parts) part.trouble(sentence);
  }
}

function liveSource(path, part) {
  const sources = (window.singularityLabSources ??= new Map());
  if (!sources.has(path)) sources.set(path, new LiveSource(path, () => sources.delete(path)));
  const source = sources.get(path);
  source.add(part);
  return { stop: () => source.remove(part), again: () => source.again(), anew: () => source.anew() };
}

// An element with a class and a text; children are put in after it.
function made(tag, name, text, ...children) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  element.append(...children);
  return element;
}

// A text is written only where it is another: a selection stays, and nothing is laid out again.
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
