// What charts have beside Plotly's own: patience while somebody turns them, and with scenes in space the whole screen.
// Stands behind live_plotly.py's text.

let canWebgl;
function webgl() {
  canWebgl ??= Boolean(document.createElement("canvas").getContext("webgl"));
  return canWebgl;
}

const WHOLE_BUTTON = { name: "whole", title: "Full screen",
  icon: { width: 24, height: 24, path: "M4 4h6v2H6v4H4V4zm10 0h6v6h-2V6h-4V4zM4 14h2v4h4v2H4v-6zm14 0h2v6h-6v-2h4v-4z" },
  click: (chart) => document.fullscreenElement ? document.exitFullscreen() : chart.requestFullscreen() };
const SCENE_BUTTONS = [SLIDE_BUTTON, WHOLE_BUTTON];

// As soon as no pointer is down on a chart: one that was drawn anew meanwhile would forget what the visitor is about to turn.
function untouched(element) {
  if (!element.watched) {
    element.watched = true;
    element.addEventListener("pointerdown", () => { element.touched = released(); }, true);
  }
  return element.touched;
}

// The buttons may come up outside of the page, and the next that is heard is a pointer without them.
function released() {
  const kinds = ["pointerup", "pointercancel", "pointermove", "blur"];
  return new Promise((resolve) => {
    const look = (event) => {
      if (event.buttons) return;
      for (const kind of kinds) removeEventListener(kind, look, true);
      setTimeout(resolve, 50); // Plotly hears of it after us
    };
    for (const kind of kinds) addEventListener(kind, look, true);
  });
}
