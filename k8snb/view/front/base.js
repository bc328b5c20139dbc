// The stepper's front end: one function, `mount`, that draws a story into a shadow root. It knows frames, scenes,
// places and cards, and no kind of object by name except where pods sit. Vanilla, without a dependency.

const CSS = "__CSS__";
const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["svg", "path"]); // what is of SVG among what can be said
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
const RING = "M1.8 6a4.2 4.2 0 1 0 8.4 0a4.2 4.2 0 1 0-8.4 0z";
const MARKS = {
  ring: [{ d: RING, fill: "none" }],
  half: [{ d: RING, fill: "none" }, { d: "M6 1.8a4.2 4.2 0 0 0 0 8.4z", stroke: "none" }],
  disc: [{ d: "M1.4 6a4.6 4.6 0 1 0 9.2 0a4.6 4.6 0 1 0-9.2 0z", stroke: "none" }],
  cross: [{ d: "M2.2 2.2l7.6 7.6M9.8 2.2 2.2 9.8", fill: "none", "stroke-width": 2.2 }],
  dash: [{ d: RING, fill: "none", "stroke-dasharray": "2.1 2.3" }],
  check: [{ d: "M1.8 6.4 4.8 9.4 10.2 2.8", fill: "none", "stroke-width": 2 }],
};

/** What an element shall be: its properties (`on…` listeners, attributes) and children, which are words and such elements. */
const say = (tag, props = {}, ...children) => ({ tag, props, children });

/** A new element as it is said; its children may also be nodes that there are already. */
const make = (tag, props, ...children) => become(document.createElement(tag), say(tag, props, ...children));

/** A name without the tail that many share, unless another one begins like that. */
function bare(name, names) {
  const short = name.replace(/-controller$/, "");
  return names.filter((each) => each.startsWith(`${short}-`)).length < 2 ? short : name;
}

function draw(tag, props) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props)) element.setAttribute(name, value);
  return element;
}

/** Gives an element the properties and children of what it shall be, and touches nothing that is so already. */
function become(element, { props, children }) {
  const was = element.props ?? {};
  for (const name in { ...was, ...props }) {
    const value = props[name] ?? false;
    if (value === (was[name] ?? false)) continue;
    if (name.startsWith("on")) element[name] = value || null;
    else if (value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.props = props;
  return fit(element, children);
}

/** Makes these the children of an element. What stands in their places stays, and becomes what they shall be. */
function fit(element, children) {
  let here = element.firstChild;
  for (const each of children.flat(Infinity)) {
    if (!each && each !== 0) continue;
    if (here && (each.tag ? here.localName === each.tag : here.nodeType === Node.TEXT_NODE)) {
      if (each.tag) become(here, each);
      else if (here.data !== `${each}`) here.data = each;
    } else {
      const made = fresh(each);
      if (here) here.replaceWith(made);
      else element.append(made);
      here = made;
    }
    here = here.nextSibling;
  }
  while (here) {
    const next = here.nextSibling;
    here.remove();
    here = next;
  }
  return element;
}

function fresh(each) {
  if (each instanceof Node) return each;
  if (!each.tag) return document.createTextNode(each);
  return become(DRAWN.has(each.tag) ? document.createElementNS(SVG, each.tag) : document.createElement(each.tag), each);
}

const icon = (path, size = 16) => say("svg", { viewBox: "0 0 16 16", width: size, height: size, "aria-hidden": "true", class: "icon" }, say("path", { d: path }));
const mark = (state) => say("svg", { viewBox: "0 0 12 12", "aria-hidden": "true", class: "mark", style: `color:var(--k-${state.hue})` }, MARKS[state.mark].map((part) => say("path", part)));

/** Call as soon as the browser has worked out where an element stands: asking earlier would make it do so twice for a step. */
function laidOut(element, call) {
  new ResizeObserver(([{ contentRect }], observer) => { observer.disconnect(); call(contentRect); }).observe(element);
}

const TAIL = /[-:/][^-:/]*$/; // what tells a name from others, a port, the end of a path

/** Words that lose their middle rather than their end where there is no room for them; `more` stands behind them whole. */
function shortened(text, more = "", name = "short") {
  const end = more ? text.length : text.search(TAIL);
  if (!more && (text.length < 13 || end < text.length - 12)) return say("span", { class: name }, text);
  return say("span", { class: `${name} long${more && " two"}` }, say("span", {}, text.slice(0, end)), text.slice(end) + more);
}

/** Words in which long hashes, such as the names of VolumeAttachments, are cut. */
const withoutHashes = (text) => text.replace(/[0-9a-f]{24,}/g, (hash) => `${hash.slice(0, 6)}…`);
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

