// Numbers at the rulers of a scene's box and at its colour bar.

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const exponentOf = (number) => Math.floor(Math.log10(number));

// About so many round numbers between two, both ends included where they are round.
function ticks(low, high, many) {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [];
  const power = 10 ** exponentOf(span / many);
  if (!(power > 0)) return [];
  const step = [1, 2, 5, 10].map((by) => by * power).find((each) => span / each <= many);
  const first = Math.ceil(low / step - 1e-9), last = Math.floor(high / step + 1e-9);
  if (!(last - first < 100)) return [];
  const values = Array.from({ length: last - first + 1 }, (_, k) => (first + k) * step);
  return labelled(values, step);
}

// As short as tells them apart: plain decimals, or all with the same power of ten.
function labelled(values, step) {
  const largest = Math.max(...values.map(Math.abs)), places = -exponentOf(step * 1.0001);
  const power = largest > 0 ? exponentOf(largest * 1.0000001) : 0;
  if (power >= -3 && power <= 4) return values.map((value) => [value, fixed(value, places)]);
  const raised = `×10${[...String(power)].map((digit) => RAISED[digit]).join("")}`;
  return values.map((value) => [value, value ? fixed(value / 10 ** power, places + power) + raised : "0"]);
}

function fixed(value, places) {
  const text = value.toFixed(Math.max(0, Math.min(16, places)));
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

// A number as the pointer says it.
function said(number) {
  return Number.isFinite(number) ? String(Number(number.toPrecision(6))).replace("-", "−") : "not finite";
}
