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
};
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

// -- the score: who acted when, and because of whom ------------------------------------------------------------

function score(story, go) {
  const { frames, lanes } = story;
  const x = (i) => `${frames.length > 1 ? (100 * i) / (frames.length - 1) : 0}%`;
  const y = (i) => frames[i].lane * ROW + ROW / 2;
  const svg = draw("svg", { width: "100%", height: lanes.length * ROW, class: "score", "aria-hidden": "true" });
  svg.append(draw("rect", { class: "ground", x: -9, width: "103%", height: lanes.length * ROW }));
  lanes.forEach((lane, i) => svg.append(draw("line", { class: "rule", x1: 0, x2: "100%", y1: i * ROW + 10, y2: i * ROW + 10 })));
  const head = draw("line", { class: "head", y1: 0, y2: lanes.length * ROW });
  svg.append(head);
  const threads = frames.map((frame, i) => {
    if (frame.from === undefined) return null;
    const line = draw("line", { class: "thread", x1: x(frame.from), y1: y(frame.from), x2: x(i), y2: y(i) });
    line.style.setProperty("--hue", `var(--k-${lanes[frame.lane].hue})`);
    svg.append(line);
    return line;
  });
  const radius = frames.length > 70 ? 2.6 : frames.length > 40 ? 3.3 : 4;
  const dots = frames.map((frame, i) => {
    const dot = draw("circle", { class: frame.error ? "dot wrong" : "dot", cx: x(i), cy: y(i), r: radius });
    dot.style.setProperty("--hue", `var(--k-${lanes[frame.lane].hue})`);
    svg.append(dot);
    return dot;
  });
  const jump = (event) => {
    const box = svg.getBoundingClientRect();
    go(Math.round(((event.clientX - box.left) / box.width) * (frames.length - 1)));
  };
  svg.addEventListener("pointerdown", (event) => {
    svg.setPointerCapture(event.pointerId);
    jump(event);
  });
  svg.addEventListener("pointermove", (event) => event.buttons && jump(event));
  const labels = lanes.map((lane) => {
    const [name, tail] = lane.name.endsWith("-controller") ? [lane.name.slice(0, -11), "-controller"] : [lane.name, ""];
    return make("span", { class: "lane", style: hue(lane.hue), title: lane.name }, name, make("span", { class: "tail" }, tail));
  });
  const paint = (now) => {
    head.setAttribute("x1", x(now));
    head.setAttribute("x2", x(now));
    dots.forEach((dot, i) => {
      dot.classList.toggle("past", i < now);
      dot.classList.toggle("now", i === now);
      dot.setAttribute("r", i === now ? radius + 2 : radius);
    });
    threads.forEach((line, i) => line?.classList.toggle("now", i === now));
    labels.forEach((label, i) => label.classList.toggle("now", i === frames[now].lane));
  };
  return { labels: make("div", { class: "lanes" }, labels), svg, paint };
}

// -- the words: observe, diff, act -------------------------------------------------------------------------------

function panes(frame, words) {
  const observed = frame.observed && make("dl", {}, frame.observed.map(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
  const parts = [];
  if (observed) parts.push(make("div", { class: "pane" }, make("h4", {}, words.observe), observed));
  if (frame.caption) parts.push(make("div", { class: "pane" }, make("h4", {}, words.diff), make("p", {}, frame.caption)));
  const acts = (frame.acts ?? []).map((act) => actItem(act, words));
  const wrong = frame.error && make("p", { class: "wrong" }, frame.error);
  parts.push(make("div", { class: "pane act" }, make("h4", {}, words.act), acts.length ? make("ul", {}, acts) : null, wrong));
  return make("div", { class: `panes of${parts.length}` }, parts);
}

function actItem(act, words) {
  const refused = act.code >= 300;
  const head = act.note
    ? [make("span", { class: "verb" }, words.says), " ", make("q", {}, act.note)]
    : [make("span", { class: "verb" }, act.verb), " ", make("b", {}, act.object), refused && make("span", { class: "wrong" }, ` ${act.code}`)];
  const rows = (act.changes ?? []).map(([path, before, after]) =>
    make("li", { title: path }, make("code", {}, path.replace(/^(metadata|spec|status)\./, "")), " ", make("del", {}, before || "∅"), " → ", make("ins", {}, after || "∅")));
  if (act.more) rows.push(make("li", {}, fill(words.more, { count: act.more })));
  return make("li", { title: act.request }, head, rows.length ? make("ul", { class: "changes" }, rows) : null);
}

// -- the picture: cards and places --------------------------------------------------------------------------------

function picture(story, scenes) {
  const { kinds, states, words } = story;
  const { seats, plans } = seating(scenes);
  const crowd = Math.max(0, ...seats.values());
  const glyph = (kind) => icon(kinds[kind]?.glyph ?? "", 15);
  const tint = (item) => (item.generation ? hue(story.generations[(item.generation - 1) % story.generations.length]) : "");

  const cards = new Map(forest(scenes).map(([id, depth]) => {
    const kind = kindOf(id);
    const element = make("div", { class: "card", role: "listitem", style: `${hue(kinds[kind].hue)};--depth:${depth}` });
    element.addEventListener("pointerenter", () => point(id));
    element.addEventListener("pointerleave", () => point(null));
    return [id, element];
  }));
  const places = [...seats.keys()].sort((a, b) => (a === "Node/" ? -1 : b === "Node/" ? 1 : a.localeCompare(b, "en", { numeric: true })));
  const rooms = new Map(places.map((id) => {
    const slots = Array.from({ length: seats.get(id) }, () => make("div", { class: "seat" }));
    const head = make("div", { class: "place-name" }, id === "Node/" ? words.nowhere : [glyph("Node"), nameOf(id)]);
    const word = make("span", { class: "word" });
    head.append(word);
    const element = make("div", { class: id === "Node/" ? "place nowhere" : "place", role: "group", "aria-label": id === "Node/" ? words.nowhere : nameOf(id) }, head, make("div", { class: "seats" }, slots));
    return [id, { element, slots, word }];
  }));
  const chips = new Map();
  let members = new Map(); // card id -> ids of the pods that it owns or lists

  const element = make("div", { class: `picture ${crowd > 24 ? "crowd" : crowd > 8 ? "many" : ""}` },
    cards.size ? make("div", { class: "cards", role: "list", "aria-label": words.objects }, [...cards.values()]) : null,
    make("div", { class: "places", role: "group", "aria-label": words.nodes }, [...rooms.values()].map((room) => room.element)));

  function point(id) {
    const wanted = id === null ? null : new Set(members.get(id));
    for (const [name, chip] of chips) {
      chip.classList.toggle("dim", wanted !== null && wanted.size > 0 && !wanted.has(name));
    }
  }

  function chipFor(id, item) {
    const short = item.parent && nameOf(id).startsWith(nameOf(item.parent) + "-") ? nameOf(id).slice(nameOf(item.parent).length + 1) : nameOf(id);
    const facts = (item.facts ?? []).map(([label, value]) => `${label} ${value}`).join(", ");
    const chip = chips.get(id) ?? make("div", { class: "chip", role: "img" });
    chip.setAttribute("style", tint(item) || hue(kinds[kindOf(id)].hue));
    chip.title = [nameOf(id), item.word, facts].filter(Boolean).join("\n");
    chip.setAttribute("aria-label", [nameOf(id), item.word, facts].filter(Boolean).join(", "));
    chip.replaceChildren(item.state ? mark(states[item.state]) : glyph(kindOf(id)), make("span", { class: "short" }, short),
      item.generation ? make("span", { class: "badge" }, `v${item.generation}`) : "",
      make("span", { class: "word" }, item.word ?? ""));
    return chip;
  }

  function fillCard(id, item, before, scene) {
    const kind = kindOf(id);
    const was = new Map(before?.facts ?? []);
    const facts = (item.facts ?? []).map(([label, value]) =>
      make("span", { class: before && was.get(label) !== value ? "fact new" : "fact" }, `${label} `, make("b", {}, value)));
    const pods = (members.get(id) ?? []).map((pod) => mark(states[scene.get(pod).state]));
    const badge = item.generation ? make("span", { class: "badge", style: tint(item) }, `v${item.generation}`) : "";
    const word = item.word ? make("span", { class: "word", style: hue(states[item.state].hue) }, item.word) : "";
    cards.get(id).replaceChildren(
      make("div", { class: "card-name" }, glyph(kind), make("span", { class: "kind" }, kind), make("b", {}, nameOf(id)), badge, word),
      make("div", { class: "facts" }, facts, pods.length ? make("span", { class: "pods" }, pods) : ""));
  }

  function paint(now, previous) {
    const scene = scenes[now];
    const earlier = now > 0 ? scenes[now - 1] : new Map();
    const touched = new Set(story.frames[now].touched);
    members = new Map();
    for (const [id, item] of scene)
      if (item.place) for (const owner of [item.parent, ...(item.in ?? [])]) if (owner) members.set(owner, [...(members.get(owner) ?? []), id]);
    for (const [id, card] of cards) {
      const item = scene.get(id);
      card.classList.toggle("absent", !item);
      card.classList.toggle("touched", touched.has(id));
      if (item) fillCard(id, item, earlier.get(id), scene);
    }
    for (const [id, room] of rooms) {
      const item = scene.get(id);
      room.element.classList.toggle("absent", !item && id !== "Node/");
      room.element.classList.toggle("touched", touched.has(id));
      room.element.classList.toggle("out", item?.state === "failing");
      room.word.textContent = item?.word ?? "";
    }
    for (const [id, chip] of chips) if (!scene.has(id)) { chip.remove(); chips.delete(id); }
    for (const [id, item] of scene) {
      if (!item.place) continue;
      const fresh = !chips.has(id);
      const chip = chipFor(id, item);
      chips.set(id, chip);
      const slot = rooms.get(item.place).slots[plans[now].get(id)];
      if (chip.parentNode !== slot) slot.replaceChildren(chip);
      chip.classList.toggle("touched", touched.has(id));
      chip.classList.toggle("fresh", fresh && previous !== undefined);
    }
  }
  return { element, paint, chips };
}

/** Chips that changed places glide there, unless the reader asked for less motion. */
function gliding(root, chips, change) {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches || !root.isConnected;
  const before = still ? new Map() : new Map([...chips].map(([id, chip]) => [id, chip.getBoundingClientRect()]));
  change();
  for (const [id, from] of before) {
    const chip = chips.get(id);
    if (!chip) continue;
    const to = chip.getBoundingClientRect();
    const [dx, dy] = [from.left - to.left, from.top - to.top];
    if (Math.abs(dx) + Math.abs(dy) > 1)
      chip.animate([{ transform: `translate(${dx}px,${dy}px)` }, { transform: "none" }], { duration: 320, easing: "cubic-bezier(.2,.7,.2,1)" });
  }
}

// -- the whole --------------------------------------------------------------------------------------------------

/** Draws the story into `host`'s shadow root. `position` says where it stands: `get()`, `set(index)`, `listen(callback)`. */
function mount(host, story, position) {
  const { frames, words, lanes } = story;
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const scenes = unfold(frames);
  const last = frames.length - 1;
  const clamp = (index) => Math.max(0, Math.min(last, index));
  const go = (index) => { if (clamp(index) !== position.get()) position.set(clamp(index)); };
  let timer = 0;

  const stop = () => { clearInterval(timer); timer = 0; showPlaying(); };
  const step = () => (position.get() >= last ? stop() : go(position.get() + 1));
  const toggle = () => {
    if (timer) return stop();
    if (position.get() >= last) go(0);
    timer = setInterval(() => { if (host.isConnected) step(); else stop(); }, BEAT);
    showPlaying();
  };
  const move = (index) => { if (timer) stop(); go(index); };
  const moves = {
    first: () => move(0),
    previous: () => move(position.get() - 1),
    play: toggle,
    next: () => move(position.get() + 1),
    last: () => move(last),
  };
  const buttons = Object.fromEntries(Object.entries(moves).map(([name, action]) =>
    [name, make("button", { type: "button", class: name, "aria-label": words[name], title: words[name], onclick: action }, icon(ICONS[name]))]));
  function showPlaying() {
    const name = timer ? "pause" : "play";
    buttons.play.replaceChildren(icon(ICONS[name]));
    buttons.play.setAttribute("aria-label", words[name]);
    buttons.play.title = words[name];
  }

  const range = make("input", { type: "range", min: 0, max: last, step: 1, "aria-label": words.scrub, oninput: () => move(+range.value) });
  const count = make("span", { class: "count", "aria-hidden": "true" });
  const music = score(story, move);
  const view = picture(story, scenes);
  const headline = make("div", { class: "headline" });
  const speech = make("div", { class: "words" });
  const live = make("div", { class: "unseen", role: "status", "aria-live": "polite" });
  const keys = { " ": toggle, ArrowLeft: moves.previous, ArrowRight: moves.next, ArrowUp: moves.previous, ArrowDown: moves.next, Home: moves.first, End: moves.last };

  const section = make("section", {
    tabindex: 0, role: "group", "aria-roledescription": words.stepper, "aria-label": `${story.title}. ${words.keys}`,
    "data-lm-suppress-shortcuts": "true", class: "stepper",
  },
  make("header", {}, make("span", { class: "title" }, story.title), count),
  make("div", { class: "board" }, music.labels, make("div", { class: "track" }, music.svg, range)),
  make("div", { class: "controls", role: "toolbar" }, Object.values(buttons), headline),
  live, speech, view.element);

  section.addEventListener("keydown", (event) => {
    const action = keys[event.key];
    const pressing = event.key === " " && root.activeElement?.tagName === "BUTTON";
    if (!action || pressing || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  });

  let shown;
  function paint() {
    const now = clamp(position.get());
    if (now === shown) return;
    const frame = frames[now];
    const lane = lanes[frame.lane];
    const from = frame.from;
    const because = frame.cause ? fill(words.because, { revision: frame.cause }) : "";
    range.value = now;
    range.setAttribute("aria-valuetext", `${fill(words.step, { i: now + 1, n: frames.length })}: ${frame.actor}`);
    count.textContent = `${now + 1} / ${frames.length}`;
    buttons.first.disabled = buttons.previous.disabled = now === 0;
    buttons.next.disabled = buttons.last.disabled = now === last;
    headline.replaceChildren(
      make("span", { class: "actor", style: hue(lane.hue) }, frame.actor),
      make("span", { class: "subject" }, frame.subject ?? ""),
      make("span", { class: "when" }, `${frame.time} · @${frame.revision}`),
      because && (from === undefined ? make("span", { class: "when" }, because)
        : make("button", { type: "button", class: "because", onclick: () => move(from) }, because)));
    speech.replaceChildren(panes(frame, words));
    music.paint(now);
    gliding(root, view.chips, () => view.paint(now, shown));
    if (shown !== undefined) {
      const said = frame.caption || (frame.acts ?? []).map((act) => act.note ?? `${act.verb} ${act.object}`).join(", ");
      live.textContent = `${fill(words.step, { i: now + 1, n: frames.length })}. ${frame.actor}: ${said}`;
    }
    shown = now;
  }

  // The words keep the height that all but the longest frames need, so that the picture below them stays where it is.
  let width = 0;
  new ResizeObserver(([entry]) => {
    if (Math.abs(entry.contentRect.width - width) < 1 || !entry.contentRect.width) return;
    width = entry.contentRect.width;
    const probe = make("div", { class: "words probe", "aria-hidden": "true" }, frames.slice(0, 200).map((frame) => panes(frame, words)));
    speech.style.minHeight = "";
    speech.after(probe);
    const heights = [...probe.children].map((child) => child.offsetHeight).sort((a, b) => a - b);
    probe.remove();
    speech.style.minHeight = `${Math.min(heights[Math.floor(0.85 * (heights.length - 1))], 240)}px`;
  }).observe(speech);

  root.replaceChildren(make("style", {}, CSS), section, make("slot"));
  position.listen(paint);
  paint();
}

/** The custom element: its story is the JSON inside it; its other content is for paper and for where no script runs. */
function define(tag) {
  customElements.define(tag, class extends HTMLElement {
    connectedCallback() {
      if (this.shadowRoot) return;
      const source = this.querySelector('script[type="application/json"]');
      if (!source) return void requestAnimationFrame(() => this.isConnected && this.connectedCallback());
      let index = 0;
      const listeners = [];
      const story = JSON.parse(source.textContent);
      if (!story.frames.length) return;
      mount(this, story, {
        get: () => index,
        set: (value) => { index = value; listeners.forEach((listener) => listener()); },
        listen: (listener) => listeners.push(listener),
      });
    }
  });
}

/** The widget: the position is the model's, so the kernel knows it and may set it. */
function render({ model, el }) {
  const host = make("div", { class: "k8snb-view" });
  el.append(host);
  if (!model.get("story").frames.length) return;
  mount(host, model.get("story"), {
    get: () => model.get("index"),
    set: (value) => { model.set("index", value); model.save_changes(); },
    listen: (listener) => model.on("change:index", listener),
  });
}

export default { render, define };
