// The bell in the page's head, its list and its toasts. They live outside of what Streamlit draws, so that they stay
// while pages change. What happened before a tab was opened is no news to it; what it has seen, it keeps.

const SHOWN_MS = 9000, URGENT_MS = 25000, MOST_TOASTS = 3, AGAIN_MS = 2000;
const NOTHING = "Nothing yet. What watch rules find, and runs and sweeps that finish or fail, stand here.";
const THEME = ["--st-text-color", "--st-background-color", "--st-secondary-background-color", "--st-border-color",
  "--st-primary-color", "--st-red-color", "--st-font", "--st-base-radius"];

class Bell {
  constructor() {
    this.root = made("div", "lab-notices");
    this.button = made("button", "lab-bell");
    this.button.type = "button";
    this.button.append(icon(), made("span", "lab-bell-count"));
    this.list = made("div", "lab-notices-list");
    this.list.setAttribute("role", "region");
    this.list.setAttribute("aria-label", "What happened");
    this.list.hidden = true;
    this.toasts = made("div", "lab-toasts");
    this.toasts.setAttribute("role", "status");
    this.root.append(this.button, this.list, this.toasts);
    this.button.onclick = () => this.open(this.list.hidden);
    document.addEventListener("click", (event) => { if (!event.composedPath().includes(this.root)) this.open(false); });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") this.open(false); });
    this.notices = [];
    this.count();
    document.body.append(this.root);
    liveSource("live/notices", { update: (news) => this.update(news), trouble: () => {} });
  }

  given({ data, parentElement, setTriggerValue }) {
    Object.assign(this, { drawnBy: data.server, tell: setTriggerValue });
    this.dress(parentElement);
  }

  // Has the page run again where another server answers than the one that drew it, as soon as it is connected to that.
  checkServer() {
    clearTimeout(this.checking);
    if (this.server === this.drawnBy) return;
    this.tell("restarted", this.server);
    this.checking = setTimeout(() => this.checkServer(), AGAIN_MS);
  }

  dress(element) {
    const style = getComputedStyle(element);
    for (const name of THEME) this.root.style.setProperty(name, style.getPropertyValue(name));
  }

  update(news) {
    this.server = news.version.split(".")[0];
    if (this.drawnBy) this.checkServer();
    this.notices = news.notices;
    const newest = this.notices.length ? this.notices[0].id : 0;
    if (kept("seen") === null || kept("seen") > newest) { // the first look, or another lab's home
      keep("seen", newest);
      keep("toasted", newest);
    }
    const fresh = this.notices.filter((notice) => notice.id > kept("toasted")).reverse();
    keep("toasted", newest);
    const shown = fresh.slice(-MOST_TOASTS);
    for (const notice of shown) this.toast(notice, fresh.length - shown.length);
    if (!this.list.hidden) this.open(true);
    this.count();
  }

  count() {
    const unseen = this.notices.filter((notice) => notice.id > kept("seen"));
    const count = this.button.lastChild;
    write(count, unseen.length > 49 ? "50+" : String(unseen.length));
    count.hidden = !unseen.length;
    count.classList.toggle("lab-urgent", unseen.some((notice) => notice.urgent));
    const words = unseen.length ? `${unseen.length} new` : "nothing new";
    this.button.setAttribute("aria-label", `What happened: ${words}`);
    this.button.title = `What happened: ${words}`;
  }

  open(open) {
    if (!open && this.list.hidden) return;
    if (open && this.list.hidden) this.from = kept("seen"); // what is marked as new, as long as the list is open
    if (open) {
      const rows = this.notices.map((notice) => entry(notice, "lab-notice", notice.id > this.from));
      this.list.replaceChildren(...(rows.length ? rows : [made("p", "", NOTHING)]));
      this.toasts.replaceChildren();
      if (this.notices.length) keep("seen", this.notices[0].id);
    }
    this.list.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    this.count();
  }

  toast(notice, more) {
    const toast = entry(notice, "lab-toast", false);
    if (more > 0) toast.append(made("small", "", `and ${more} more`));
    const close = made("button", "lab-close", "×");
    close.type = "button";
    close.setAttribute("aria-label", "Close");
    close.onclick = (event) => { event.preventDefault(); toast.remove(); };
    toast.append(close);
    while (this.toasts.children.length >= MOST_TOASTS) this.toasts.firstChild.remove();
    this.toasts.append(toast);
    setTimeout(() => toast.remove(), notice.urgent ? URGENT_MS : SHOWN_MS);
  }
}

function entry(notice, name, fresh) {
  const row = made("a", name, "", made("b", "", notice.title), made("span", "", notice.why),
    made("time", "", new Date(1000 * notice.time).toLocaleString()));
  row.href = new URL(notice.at, document.baseURI).href;
  row.classList.toggle("lab-urgent", notice.urgent);
  row.classList.toggle("lab-fresh", fresh);
  return row;
}

function icon() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  path.setAttribute("d", "M6 17v-6a6 6 0 1 1 12 0v6l1.5 2h-15zM10 21h4");
  svg.append(path);
  return svg;
}

function kept(name) {
  const text = sessionStorage.getItem(`singularity-lab.${name}`);
  return text === null ? null : Number(text);
}

function keep(name, id) {
  sessionStorage.setItem(`singularity-lab.${name}`, String(id));
}

export default function (component) {
  const { parentElement } = component;
  const room = parentElement.closest?.('[data-testid="stElementContainer"]');
  if (room) room.style.display = "none";
  window.singularityLabBell ??= new Bell();
  window.singularityLabBell.given(component);
}
