// Unpacks plotly.js, which is in this file, and draws each figure when it comes into sight; all of them for paper.
(async () => {
  const figures = [...document.querySelectorAll(".plot")];
  const ready = () => { document.documentElement.dataset.ready = "yes"; };
  const tell = (why) => figures.forEach((figure) => { figure.textContent = why; });
  if (!figures.length) return ready();
  if (typeof DecompressionStream === "undefined") return tell("This browser is too old to draw the figures.");
  const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
  if (typeof Plotly === "undefined") return tell("The figures could not be drawn: plotly.js did not start.");
  const dark = matchMedia("(prefers-color-scheme: dark)"), paper = matchMedia("print");
  let printing = paper.matches;
  const colors = () => {
    const night = dark.matches && !printing;
    const ink = night ? "#c8d1dd" : "#1c2430", grid = night ? "#2b3442" : "#e3e8ee";
    const axis = { gridcolor: grid, zerolinecolor: grid, linecolor: grid };
    return { ink, axis };
  };
  const look = (layout) => {
    const { ink, axis } = colors();
    return {
      ...layout, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: ink, family: "system-ui, sans-serif", size: 12 },
      xaxis: { ...layout.xaxis, ...axis }, yaxis: { ...layout.yaxis, ...axis },
      hoverlabel: { bgcolor: colors().axis.gridcolor, font: { color: ink } },
    };
  };
  const drawn = new Map();
  const options = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
  const draw = (figure, width) => {
    if (!drawn.has(figure)) drawn.set(figure, JSON.parse(figure.nextElementSibling.textContent));
    const { data, layout } = drawn.get(figure);
    const sized = width ? { ...layout, width, autosize: false } : { ...layout, autosize: true };
    return Plotly.react(figure, data, look(sized), options);
  };
  const sight = new IntersectionObserver((seen) => seen.filter((item) => item.isIntersecting).forEach((item) => {
    sight.unobserve(item.target);
    draw(item.target);
  }), { rootMargin: "400px" });
  figures.forEach((figure) => sight.observe(figure));
  const PAPER = 680;  // pixels of an A4 page between its margins
  const forPaper = (now) => {
    printing = now;
    figures.forEach((figure) => draw(figure, now ? PAPER : undefined));
  };
  addEventListener("beforeprint", () => forPaper(true));
  addEventListener("afterprint", () => forPaper(false));
  paper.addEventListener("change", (change) => forPaper(change.matches));
  dark.addEventListener("change", () => [...drawn.keys()].forEach((figure) => draw(figure)));
  ready();
})();
