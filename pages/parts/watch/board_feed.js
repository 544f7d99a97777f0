// The board of this page, for all parts that show it: `feed.board` and `feed.listen`. Shared by the scripts of several
// components, each of which holds this text: the first that runs makes the feed, the others find it. Follows
// live/source.js, which asks.

const feed = (window.singularityLabBoard ??= makeFeed());

function makeFeed() {
  const board = { runs: new Map(), order: [], head: null, trouble: "" };
  const listeners = new Set();
  let source = null, after = 0, ahead = 0;

  function put(news) {
    if (news.whole) { board.runs.clear(); board.order = Object.keys(news.runs); }
    for (const id of news.gone ?? []) board.runs.delete(id);
    for (const [id, run] of Object.entries(news.runs)) board.runs.set(id, run);
    if (news.order) board.order.splice(news.order[0], news.order[1], ...news.order[2]);
    board.head = { slots: news.slots, counts: news.counts, held: news.held, event: news.event };
    ahead = news.now - Date.now() / 1000;  // the server's clock may be another
  }
  function tell() { for (const listener of [...listeners]) listener(board); }

  return {
    board,
    now: () => Date.now() / 1000 + ahead,
    // `listener` is called whenever the board is another; returns how to stop
    listen(listener) {
      listeners.add(listener);
      source ??= liveSource("live/board", {
        update(news) { put(news); tell(); },
        trouble(sentence) { board.trouble = sentence; tell(); },
        parameters: () => (after ? { after } : {}),
      });
      return () => {
        listeners.delete(listener);
        if (!listeners.size) { source?.stop(); source = null; }
      };
    },
    // somebody here has changed something: what is shown is to be no older than that event
    changed(event) { after = Math.max(after, event); source?.again(); },
  };
}

// A part of a page: attributes and listeners by name, children as text or elements, never as markup.
function built(name, attributes, ...children) {
  const element = name.startsWith("svg:")
    ? document.createElementNS("http://www.w3.org/2000/svg", name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (key.startsWith("on")) element[key] = value;
    else if (value !== false && value != null) element.setAttribute(key, value === true && !key.startsWith("aria-") ? "" : value);
  }
  element.append(...children);
  return element;
}

function lasting(seconds) {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${(seconds / 3600).toFixed(seconds < 36000 ? 1 : 0)} h` : `${Math.round(seconds / 86400)} days`;
}

// A time of day as the person here has it; with the day where that is not today. Formats are dear to make.
const TIME = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const timeFormat = new Intl.DateTimeFormat(undefined, TIME), numberFormat = new Intl.NumberFormat();
const dayFormat = new Intl.DateTimeFormat(undefined, { ...TIME, weekday: "short", day: "numeric", month: "short" });
function clock(moment) {
  const date = new Date(1000 * moment), today = new Date(1000 * feed.now()).toDateString() === date.toDateString();
  return (today ? timeFormat : dayFormat).format(date);
}

function counted(number) { return numberFormat.format(number); }

const ACTIVE = ["running", "pausing", "stopping"];
function groupOf(run) { return ACTIVE.includes(run.state) ? "active" : run.state === "queued" ? "waiting" : "ended"; }

function residual(value) { return value == null ? "" : value.toExponential(1); }

function ordinal(place) { return `place ${counted(place)}`; }

// When a run is due, or was over, in a few words.
function whenOf(run, now) {
  const group = groupOf(run);
  if (group === "ended") return run.ends ? `${lasting(now - run.ends)} ago` : "";
  if (group === "active") return run.ends ? `${lasting(run.ends - now)} left` : "no ETA yet";
  if (run.held) return "held";
  if (run.begins) return run.begins - now < 3 ? "next" : `in ${run.latest ? "at most " : ""}${lasting(run.begins - now)}`;
  return run.after ? "after another" : "unknown";
}

// The same in whole sentences, a line each.
function wordsOf(run, now, place) {
  const lines = [run.name], group = groupOf(run);
  if (group === "waiting") {
    lines.push(`waits, ${ordinal(place)}${run.priority ? `, priority ${run.priority}` : ""}${run.held ? ", held" : ""}`);
    if (run.after) lines.push(`after ${run.after}${run.afterAny ? ", however that ends" : ""}`);
    if (run.begins) {
      lines.push(`starts ${run.latest ? "at the latest " : ""}in about ${lasting(run.begins - now)} (${clock(run.begins)})` +
        `${run.slot ? ` in ${run.slot}` : ""}`);
    }
    if (run.why) lines.push(run.begins ? `how long it takes is unknown: ${run.why}` : `when it starts is unknown: ${run.why}`);
    if (run.begins && run.ends) lines.push(`takes about ${lasting(run.ends - run.begins)}: ${run.source}`);
  } else if (group === "active") {
    lines.push(`${run.state} in ${run.slot || "a process of its own"}${run.fraction ? `, ${percent(run)} done` : ""}`);
    if (run.begins) lines.push(`began ${clock(run.begins)}, ${lasting(now - run.begins)} ago`);
    lines.push(run.ends ? `ends in about ${lasting(run.ends - now)} (${clock(run.ends)}): ${run.source}`
      : `when it ends is unknown: ${run.why}`);
  } else {
    lines.push(`${run.state}${run.slot ? ` in ${run.slot}` : ""}`);
    if (run.begins && run.ends) lines.push(`${clock(run.begins)} to ${clock(run.ends)}, ${lasting(run.ends - run.begins)}`);
  }
  if (run.residual != null) lines.push(`max |R| ${residual(run.residual)}`);
  return lines;
}

function percent(run) { return `${Math.round(100 * (run.fraction ?? 0))} %`; }
