// The stepper's front end: one function, `mount`, that draws a story into a shadow root. It knows frames, scenes,
// places and cards, and no kind of object by name except where pods sit. Vanilla, without a dependency.

const CSS = "__CSS__";
const SVG = "http://www.w3.org/2000/svg";
const ROW = 20; // height of a lane of the score, in pixels
const BEAT = 1400; // milliseconds per step while playing
const ICONS = {
  first: "M4 3v10M13 3 6.5 8l6.5 5z",
  previous: "M11.5 3 5 8l6.5 5z",
  play: "M4.5 2.5 13 8l-8.5 5.5z",
  pause: "M5.5 3v10M10.5 3v10",
  next: "M4.5 3 11 8l-6.5 5z",
  last: "M12 3v10M3 3l6.5 5L3 13z",
  link: "M6.5 9.5l3-3M7.2 4.8 9 3a2.8 2.8 0 0 1 4 4l-1.8 1.8M8.8 11.2 7 13a2.8 2.8 0 0 1-4-4l1.8-1.8",
};
const PIN = "M6 2.5h4l-.6 4.3 2.1 2.2h-7l2.1-2.2zM8 9v4.5"; // a drawing pin
const MARKS = {
  ring: '<circle cx="6" cy="6" r="4.2" fill="none"/>',
  half: '<circle cx="6" cy="6" r="4.2" fill="none"/><path d="M6 1.8a4.2 4.2 0 0 0 0 8.4z" stroke="none"/>',
  disc: '<circle cx="6" cy="6" r="4.6" stroke="none"/>',
  cross: '<path d="M2.2 2.2l7.6 7.6M9.8 2.2 2.2 9.8" fill="none" stroke-width="2.2"/>',
  dash: '<circle cx="6" cy="6" r="4.2" fill="none" stroke-dasharray="2.1 2.3"/>',
  check: '<path d="M1.8 6.4 4.8 9.4 10.2 2.8" fill="none" stroke-width="2"/>',
};

/** An element with properties (`on…` listeners, `style` text, attributes) and children. */
function make(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return element;
}

function draw(tag, props) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) element.setAttribute(name, value);
  return element;
}

function icon(path, size = 16) {
  const svg = draw("svg", { viewBox: "0 0 16 16", width: size, height: size, "aria-hidden": "true", class: "icon" });
  svg.append(draw("path", { d: path }));
  return svg;
}

function mark(state) {
  const svg = draw("svg", { viewBox: "0 0 12 12", "aria-hidden": "true", class: "mark" });
  svg.style.color = `var(--k-${state.hue})`;
  svg.innerHTML = MARKS[state.mark];
  return svg;
}

/** Call as soon as the browser has worked out where an element stands: asking earlier would make it do so twice for a step. */
function laidOut(element, call) {
  new ResizeObserver(([{ contentRect }], observer) => { observer.disconnect(); call(contentRect); }).observe(element);
}

/** A name, which loses its middle rather than its end where there is no room for it; `more` stands behind it whole. */
function shortened(name, more = "") {
  const end = more ? name.length : name.lastIndexOf("-");
  if (!more && (name.length < 13 || end < name.length - 12)) return make("span", { class: "short" }, name);
  return make("span", { class: "short long" }, make("span", {}, name.slice(0, end)), name.slice(end) + more);
}

const hue = (name) => `--hue:var(--k-${name})`;
const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const kindOf = (id) => id.slice(0, id.indexOf("/"));
const nameOf = (id) => id.slice(id.indexOf("/") + 1);

/** The scene at every frame, unfolded from the differences; unchanged items are shared. */
function unfold(frames) {
  let scene = new Map();
  return frames.map((frame) => {
    scene = new Map(scene);
    for (const id of frame.gone ?? []) scene.delete(id);
    for (const [id, item] of Object.entries(frame.set ?? {})) scene.set(id, item);
    return scene;
  });
}

/** Who sits where: every pod keeps one seat of its place for life, and a free seat is taken again. */
function seating(scenes) {
  const seats = new Map(); // place -> number of seats
  const seated = new Map(); // place -> (seat -> id) of the previous frame
  const plans = scenes.map((scene) => {
    const plan = new Map(); // id -> seat
    for (const [id, item] of scene) if (kindOf(id) === "Node") seats.set(id, seats.get(id) ?? 0);
    for (const [place, taken] of seated)
      for (const [seat, id] of taken) if (scene.get(id)?.place !== place) taken.delete(seat);
    for (const [id, item] of scene) {
      if (!item.place) continue;
      const taken = seated.get(item.place) ?? seated.set(item.place, new Map()).get(item.place);
      let seat = [...taken].find(([, who]) => who === id)?.[0];
      for (let free = 0; seat === undefined; free++) if (!taken.has(free)) seat = free;
      taken.set(seat, id);
      seats.set(item.place, Math.max(seats.get(item.place) ?? 0, seat + 1));
      plan.set(id, seat);
    }
    return plan;
  });
  return { seats, plans };
}

/** Cards (everything that sits nowhere and is no place) as a forest, in order of first appearance. */
function forest(scenes) {
  const parents = new Map();
  for (const scene of scenes)
    for (const [id, item] of scene)
      if (kindOf(id) !== "Node" && !item.place && !parents.has(id)) parents.set(id, item.parent);
  const order = [];
  const visit = (id, depth) => {
    order.push([id, depth]);
    for (const [child, parent] of parents) if (parent === id) visit(child, depth + 1);
  };
  for (const [id, parent] of parents) if (!parents.has(parent)) visit(id, 0);
  return order;
}

