// What all parts of the page share: making elements, the tooltip, numbers as text, and what is
// chosen. The files of this folder are put together in one module, in the order of report.rs.

/** A named element of page.html. */
function byId(id) {
  return document.getElementById(id);
}

/**
 * Makes an element. Attributes are set by name; those that begin with "on" are listeners, and
 * `false` or `null` leaves one out. Children are nodes or text: nothing is parsed as HTML, since
 * names of functions have `<` and `&` in them.
 */
function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** As element(), of an SVG image. */
function drawn(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined)
      node.setAttribute(name, value === true ? "" : value);
  }
  node.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return node;
}

/** A colour of page.css, for canvases. */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Numbers as text. Units are binary, three digits are shown, and the exact number is in the title.

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

function bytesText(bytes) {
  let value = Math.abs(bytes);
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${bytes < 0 ? "−" : ""}${value.toFixed(digits)}\u00a0${BYTE_UNITS[unit]}`;
}

function countText(count) {
  const sign = count < 0 ? "−" : "";
  const value = Math.abs(count);
  if (value >= 1e9) return `${sign}${(value / 1e9).toPrecision(3)}\u00a0G`;
  if (value >= 999_500) return `${sign}${(value / 1e6).toPrecision(3)}\u00a0M`;
  return sign + Math.round(value).toLocaleString("en-US");
}

/** So many things: the noun is in the plural, unless there is one. */
function countOf(count, noun) {
  return `${countText(count)}\u00a0${noun}${Math.abs(Math.round(count)) === 1 ? "" : "s"}`;
}

function blocksText(count) {
  return countOf(count, "block");
}

/** A figure in the unit that is chosen. */
function amountText(amount, unit) {
  return unit === "bytes" ? bytesText(amount) : blocksText(amount);
}

function exactText(amount, unit) {
  return `${Math.round(amount).toLocaleString("en-US")} ${unit}`;
}

function changeText(amount, unit) {
  return amount > 0 ? `+${amountText(amount, unit)}` : amountText(amount, unit);
}

function shareText(part, whole) {
  if (whole <= 0) return "–";
  if (part === 0) return "0%";
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.1) return "<0.1%";
  return `${percent.toFixed(percent >= 99.95 ? 0 : 1)}%`;
}

function timeText(milliseconds) {
  if (milliseconds < SECOND) return `${Math.round(milliseconds)}\u00a0ms`;
  if (milliseconds < MINUTE) return `${trimmed(milliseconds / SECOND)}\u00a0s`;
  const [large, small, names] =
    milliseconds < HOUR ? [MINUTE, SECOND, ["min", "s"]] : [HOUR, MINUTE, ["h", "min"]];
  const rounded = Math.round(milliseconds / small) * small;
  const rest = Math.round((rounded % large) / small);
  return `${Math.floor(rounded / large)}\u00a0${names[0]}${rest > 0 ? `\u00a0${rest}\u00a0${names[1]}` : ""}`;
}

function trimmed(value) {
  return String(Number(value.toFixed(value >= 10 ? 1 : 2)));
}

// The tooltip: one for the page, which follows the pointer or is put beside what has the focus.

const tooltip = {
  node: byId("tooltip"),

  show(x, y, ...children) {
    this.node.replaceChildren(...children);
    this.node.hidden = false;
    const { width, height } = this.node.getBoundingClientRect();
    const left = x + 14 + width > innerWidth - 8 ? x - width - 14 : x + 14;
    const top = y + 16 + height > innerHeight - 8 ? y - height - 12 : y + 16;
    this.node.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
    this.node.style.top = `${Math.max(8, top)}px`;
  },

  hide() {
    this.node.hidden = true;
  },
};
addEventListener("scroll", () => tooltip.hide(), { passive: true });

/** Rows of a tooltip: names and values, each with the colour of a swatch or none. */
function pairs(rows) {
  return element(
    "dl",
    {},
    rows.map(([name, value, fillColour]) => [
      element("dt", {}, fillColour ? swatch(fillColour) : null, name),
      element("dd", {}, value),
    ]),
  );
}

function swatch(fillColour, kind = "") {
  const style = kind === "dashed" ? `border-color: ${fillColour}` : `background: ${fillColour}`;
  return element("i", { class: `swatch ${kind}`, style });
}

/** A choice of one, as radio buttons. */
function choice(name, label, options, chosen, choose) {
  return element(
    "fieldset",
    { class: "choice" },
    element("legend", { class: "visually-hidden" }, label),
    options.map(([value, text, title]) =>
      element(
        "label",
        { title },
        element("input", {
          type: "radio",
          name,
          value,
          checked: value === chosen,
          onchange: () => choose(value),
        }),
        element("span", {}, text),
      ),
    ),
  );
}

/** Calls `draw` when the element gets another width. */
function onWidth(node, draw) {
  let width = 0;
  new ResizeObserver(() => {
    if (node.clientWidth === width || node.clientWidth === 0) return;
    width = node.clientWidth;
    draw();
  }).observe(node);
}

/** The multiple of a round number that cuts `most` into at most `count` steps. */
function roundStep(most, count, bases, scale) {
  let unit = 1;
  for (;;) {
    for (const base of bases) if (base * unit * count >= most) return base * unit;
    unit *= scale;
  }
}

function byteTicks(most, count) {
  const step = roundStep(most, count, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512], 1024);
  return ticksOf(step, most);
}

function countTicks(most, count) {
  return ticksOf(roundStep(most, count, [1, 2, 5], 10), most);
}

function ticksOf(step, most) {
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step);
}

/** What is chosen in the toolbar. Those that show it are called when it changes. */
const view = {
  dump: 0,
  metric: "live",
  unit: "bytes",
  grouping: "line",
  listeners: [],

  onChange(listener) {
    this.listeners.push(listener);
  },

  set(changes) {
    Object.assign(this, changes);
    tooltip.hide();
    for (const listener of this.listeners) listener(changes);
  },
};
