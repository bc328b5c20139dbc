// -- the picture: cards and places --------------------------------------------------------------------------------

const WIDEST = 200; // pixels that a node takes at most so that the names of its pods fit
const FEW = 12; // with so many pods or fewer, all arrows are drawn; else those of the object that is pointed at

function picture(story, scenes, pin) {
  const { kinds, states, words } = story;
  const { seats, plans } = seating(scenes);
  const crowd = Math.max(0, ...seats.values());
  const glyph = (kind) => icon(kinds[kind]?.glyph ?? "", 15);
  const tint = (generation) => (generation ? hue(story.generations[(generation - 1) % story.generations.length]) : "");

  const cards = new Map(forest(scenes).map(([id, depth]) => {
    const kind = kindOf(id);
    const face = make("div", {});
    const element = make("div", { class: "card layers", role: "listitem", style: `${hue(kinds[kind].hue)};--depth:${depth}` }, face, ghost(id));
    pointing(element, id);
    return [id, Object.assign(element, { face })];
  }));
  const places = [...seats.keys()].sort((a, b) => (a === "Node/" ? -1 : b === "Node/" ? 1 : a.localeCompare(b, "en", { numeric: true })));
  const rooms = new Map(places.map((id) => {
    const slots = Array.from({ length: seats.get(id) }, (_, i) => make("div", { class: "seat", id: `${id} ${i}` }));
    const head = make("div", { class: "place-name" }, id === "Node/" ? words.nowhere : [glyph("Node"), nameOf(id)]);
    const word = make("span", { class: "word" });
    const longest = scenes.map((scene) => scene.get(id)?.word ?? "").reduce((one, other) => (other.length > one.length ? other : one), ""); // its room is kept
    head.append(word);
    if (pin && id !== "Node/") head.append(make("button", { type: "button", class: "pin", "aria-label": `${words.pin} ${nameOf(id)}`, onclick: (event) => pin(id, event.currentTarget) }, icon(PIN, 12)));
    const element = make("div", { class: id === "Node/" ? "place nowhere" : "place", role: "group", "aria-label": id === "Node/" ? words.nowhere : nameOf(id) }, head, make("div", { class: "seats" }, slots));
    return [id, { element, slots, word, longest }];
  }));
  const chips = new Map();
  const links = draw("svg", { class: "links", "aria-hidden": "true" });
  const measured = new Map(); // a card or a seat -> where it stands in the picture, until something changes its size
  let linked = ""; // the arrows that are drawn
  let pointed = null;
  let scene = new Map();
  let members = new Map(); // card id -> ids of the pods that it owns or lists

  const element = make("div", { class: `picture ${cards.size ? "" : "bare"} ${crowd > 24 ? "crowd" : crowd > 8 ? "many" : ""}` },
    cards.size ? make("div", { class: "cards", role: "list", "aria-label": words.objects }, [...cards.values()]) : null,
    make("div", { class: "places", role: "group", "aria-label": words.nodes }, [...rooms.values()].map((room) => room.element)), links,
    isEverFree() && make("p", { class: "free" }, make("span", {}), words.absent));
  const nodes = rooms.size - rooms.has("Node/");
  if (nodes <= 6) element.style.cssText = `--room:${crowd <= 8 ? widest() : 0}px;--nodes:${Math.min(nodes || 1, 4)}`;
  const resized = new ResizeObserver(() => {
    measured.clear();
    for (const each of [element, ...cards.values(), ...[...rooms.values()].flatMap((room) => [room.element, ...room.slots])]) standing(each);
    linked = "";
    link();
  });
  for (const each of [element, ...element.children, ...cards.values()]) resized.observe(each);

  /** Whether a card or a seat stands empty at some step. */
  function isEverFree() {
    const all = cards.size + [...seats.values()].reduce((one, other) => one + other, 0);
    return scenes.some((each) => [...each].filter(([id, item]) => item.place || cards.has(id)).length < all);
  }

  function standing(shown) {
    if (!measured.has(shown)) measured.set(shown, { x: shown.offsetLeft, y: shown.offsetTop, width: shown.offsetWidth, height: shown.offsetHeight });
    return measured.get(shown);
  }

  /** An object that can be pointed at and, where objects are known whole, pinned. */
  function pointing(shown, id) {
    shown.addEventListener("pointerenter", () => point(id));
    shown.addEventListener("pointerleave", () => point(null));
    if (!pin) return;
    shown.classList.add("pinnable");
    shown.addEventListener("click", () => pin(id, shown));
  }

  function point(id) {
    pointed = id;
    link();
    const wanted = id === null ? null : new Set(below(id).flatMap((each) => members.get(each) ?? []));
    for (const [name, chip] of chips) {
      chip.classList.toggle("dim", wanted !== null && wanted.size > 0 && !wanted.has(name));
    }
  }

  /** An object and the cards that hang from it. */
  function below(id) {
    return [id, ...[...scene].filter(([child, item]) => item.parent === id && cards.has(child)).flatMap(([child]) => below(child))];
  }

  /**
   * Arrows from owners (solid) and from what lists a pod (dashed) to the pods; none where the cards stand above the nodes.
   * Cards keep their room and seats their place: they are measured only after something has changed its size.
   */
  function link() {
    const meant = pointed && new Set(below(pointed));
    const wanted = [];
    if (chips.size <= FEW || pointed)
      for (const [id, chip] of chips) {
        const item = scene.get(id);
        for (const owner of item ? [item.parent, ...(item.in ?? [])] : [])
          if (cards.has(owner) && (!meant || meant.has(owner) || pointed === id)) wanted.push([owner, chip.seat, owner === item.parent]);
      }
    const drawing = `${pointed} ${wanted.map(([owner, seat, owns]) => `${owner} ${seat.id} ${owns}`)}`;
    if (drawing === linked) return;
    linked = drawing;
    const lines = [];
    const first = rooms.get(places.find((id) => id !== "Node/"))?.element;
    if (wanted.length && standing(element).width) {
      const edge = (first ? standing(first).x : 0) + 7;
      for (const [owner, seat, owns] of wanted) {
        const [card, chip] = [standing(cards.get(owner)), standing(seat)];
        const [x1, y1, x2, y2] = [card.x + card.width, card.y + card.height / 2, chip.x, chip.y + chip.height / 2];
        if (x2 < x1 + 4) continue;
        const line = draw("path", { class: `${owns ? "owns" : "lists"} ${pointed ? "strong" : ""}`, d: way(x1, y1, x2, y2, chip.height / 2, edge) });
        line.style.setProperty("--hue", `var(--k-${kinds[kindOf(owner)].hue})`);
        lines.push(line);
      }
    }
    links.replaceChildren(...lines);
  }

  /** A curve to a pod of the first column; to one behind it along the gap above its row, so that it crosses no other. */
  function way(x1, y1, x2, y2, half, edge) {
    if (x2 <= edge + 2) return `M${x1} ${y1}C${x1 + 8} ${y1} ${x2 - 8} ${y2} ${x2} ${y2}`;
    const gap = y2 - half - 3;
    return `M${x1} ${y1}C${x1 + 8} ${y1} ${edge - 8} ${gap} ${edge} ${gap}H${x2 + 6}Q${x2 + 10} ${gap} ${x2 + 10} ${gap + 3}`;
  }

  /** A pod's name as far as its owner's, which is in the picture, does not say it already; a number alone would be no name. */
  function shortOf(id, item) {
    const owner = cards.has(item.parent) ? nameOf(item.parent) + "-" : "";
    const rest = owner && nameOf(id).startsWith(owner) ? nameOf(id).slice(owner.length) : "";
    return /\D/.test(rest) ? rest : nameOf(id);
  }

  /** The width of a node in which every name and word can be read; if there are few, they get it as far as they fit in a row. */
  function widest() {
    let chars = 0;
    for (const items of scenes)
      for (const [id, item] of items)
        if (item.place) chars = Math.max(chars, 8.3 * shortOf(id, item).length + (item.generation ? 24 : 0), 6.6 * (item.word ?? "").length - 18);
    return Math.min(WIDEST, chars + 46);
  }

  function chipFor(id, item) {
    const chip = chips.get(id) ?? make("div", { class: "chip" });
    if (chip.item === item) return chip;
    chip.item = item;
    if (!chips.has(id)) pointing(chip, id);
    const short = shortOf(id, item);
    const generation = cards.has(item.parent) && item.generation; // of an app whose revisions are in the picture
    const facts = (item.facts ?? []).map(([label, value]) => `${label} ${value}`).join(", ");
    const told = [nameOf(id), item.word, facts].filter(Boolean);
    return become(chip, say("div", { class: "chip", role: "img", style: tint(generation) || hue(kinds[kindOf(id)].hue), title: told.join("\n"), "aria-label": told.join(", ") },
      item.state ? mark(states[item.state]) : glyph(kindOf(id)), shortened(short),
      generation ? say("span", { class: "badge" }, `v${generation}`) : "",
      shortened(item.word ?? "", "", "word")));
  }

  /** What stands on a card: its name, what is said of the object, and the marks of its pods. */
  function face(id, item, before, marks, opener) {
    const kind = kindOf(id);
    const was = new Map(before?.facts ?? []);
    const facts = (item.facts ?? []).map(([label, value]) =>
      say("span", { class: before && was.get(label) !== value ? "fact new" : "fact" }, `${label} `, say("b", {}, value)));
    const badge = item.generation ? say("span", { class: "badge", style: tint(item.generation) }, `v${item.generation}`) : "";
    const word = item.word ? say("span", { class: "word", style: hue(states[item.state]?.hue ?? kinds[kind].hue) }, item.word) : "";
    return [
      say("div", { class: "card-name" }, glyph(kind), say("span", { class: "kind" }, kind), badge, say("b", {}, nameOf(id)), word, opener),
      say("div", { class: "facts" }, facts, marks.length ? say("span", { class: "pods" }, marks.map((state) => mark(states[state]))) : "")];
  }

  /** The longest that a card will ever say, unseen behind it: so it has that room from the start, and nothing moves. */
  function ghost(id) {
    let [longest, most, named] = [null, -1, {}];
    for (const each of scenes) {
      const item = each.get(id);
      if (!item) continue;
      const marks = [...each.values()].filter(({ place, parent, in: lists }) => place && (parent === id || lists?.includes(id))).map(({ state }) => state);
      const length = (item.facts ?? []).join().length + 2 * marks.length;
      if (length > most) [longest, most] = [[item, marks], length];
      if ((item.word ?? "").length >= (named.word ?? "").length) named = item;
    }
    return make("div", { class: "ghost", "aria-hidden": "true" }, face(id, { ...named, facts: longest[0].facts }, undefined, longest[1]));
  }

  /** Whether something is drawn from other values than at the last step; what looks as it did is left alone. */
  function isNew(shown, ...values) {
    const alike = shown.drawnFrom?.every((each, i) => each === values[i]);
    shown.drawnFrom = values;
    return !alike;
  }

  function paintCard(id, card, now, touched) {
    const item = scene.get(id);
    const before = scenes[now - 1]?.get(id);
    const marks = (members.get(id) ?? []).map((pod) => scene.get(pod).state);
    if (!isNew(card, item, before, marks.join(), touched)) return;
    card.classList.toggle("absent", !item);
    card.classList.toggle("touched", touched);
    if (!item) return;
    const opener = pin && say("button", { type: "button", class: "pin", "aria-label": `${words.pin} ${kindOf(id)} ${nameOf(id)}`, onclick: (event) => { event.stopPropagation(); pin(id, event.currentTarget); } }, icon(PIN, 12));
    fit(card.face, face(id, item, before, marks, opener));
  }

  function paintRoom(id, { element: room, word, longest }, touched) {
    const item = scene.get(id);
    if (!isNew(room, item, touched)) return;
    room.classList.toggle("absent", !item && id !== "Node/");
    room.classList.toggle("touched", touched);
    room.classList.toggle("out", item?.state === "failing");
    word.classList.toggle("ghost", !item?.word);
    word.textContent = item?.word ?? longest;
  }

  function paintChip(id, item, slot, touched, later) {
    const fresh = !chips.has(id);
    const chip = chipFor(id, item);
    chips.set(id, chip);
    if (!isNew(chip, item, slot, touched, fresh)) return;
    if (chip.seat !== slot) {
      if (!fresh) glide(chip, chip.seat, slot);
      slot.replaceChildren(chip);
      chip.seat = slot;
    }
    chip.classList.toggle("touched", touched);
    chip.classList.toggle("fresh", fresh && later);
  }

  function paint(now, previous) {
    scene = scenes[now];
    const touched = new Set(story.frames[now].touched);
    members = membersOf(scene);
    for (const [id, card] of cards) paintCard(id, card, now, touched.has(id));
    for (const [id, room] of rooms) paintRoom(id, room, touched.has(id));
    for (const [id, chip] of chips) if (!scene.has(id)) { chip.remove(); chips.delete(id); }
    for (const [id, item] of scene)
      if (item.place) paintChip(id, item, rooms.get(item.place).slots[plans[now].get(id)], touched.has(id), previous !== undefined);
    link();
  }

  /** Which pods each card owns or lists. */
  function membersOf(shown) {
    const found = new Map();
    for (const [id, item] of shown)
      if (item.place) for (const owner of [item.parent, ...(item.in ?? [])])
        if (owner) (found.get(owner) ?? found.set(owner, []).get(owner)).push(id);
    return found;
  }

  /** A chip that changes its seat glides there, unless the reader asked for less motion. */
  function glide(chip, from, to) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const [here, there] = [standing(from), standing(to)];
    chip.animate([{ transform: `translate(${here.x - there.x}px,${here.y - there.y}px)` }, { transform: "none" }], { duration: 320, easing: "cubic-bezier(.2,.7,.2,1)" });
  }

  return { element, paint };
}
