// Who is signed in, beside the bell: their name, what they may do, and the way out.

const ROLES = {
  viewer: "may look at everything here and change nothing",
  runner: "may start, change and end runs",
  admin: "may do everything, the lab's settings and clean-up included",
};

class PersonMenu {
  constructor() {
    this.root = document.createElement("div");
    this.root.className = "lab-person";
    this.button = document.createElement("button");
    this.button.type = "button";
    this.menu = document.createElement("div");
    this.menu.hidden = true;
    this.name = document.createElement("b");
    this.role = document.createElement("span");
    this.out = document.createElement("a");
    this.out.textContent = "Sign out";
    this.menu.append(this.name, this.role, this.out);
    this.root.append(this.button, this.menu);
    this.button.onclick = () => this.open(this.menu.hidden);
    document.addEventListener("click", (event) => { if (!event.composedPath().includes(this.root)) this.open(false); });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") this.open(false); });
    document.body.append(this.root);
  }

  given({ data, parentElement }) {
    const style = getComputedStyle(parentElement);
    for (const name of ["--st-text-color", "--st-background-color", "--st-secondary-background-color",
      "--st-border-color", "--st-primary-color", "--st-font", "--st-base-radius"])
      this.root.style.setProperty(name, style.getPropertyValue(name));
    this.button.textContent = (Array.from(data.name)[0] || "?").toUpperCase();
    this.button.title = `${data.name}, ${data.role}`;
    this.button.setAttribute("aria-label", `Signed in as ${data.name}, ${data.role}`);
    this.name.textContent = data.name;
    this.role.textContent = `${data.role}: ${ROLES[data.role]}`;
    this.out.href = new URL("auth/logout", document.baseURI).href;
  }

  open(open) {
    this.menu.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
  }
}

export default function (component) {
  const { parentElement } = component;
  const room = parentElement.closest?.('[data-testid="stElementContainer"]');
  if (room) room.style.display = "none";
  window.singularityLabPerson ??= new PersonMenu();
  window.singularityLabPerson.given(component);
}
