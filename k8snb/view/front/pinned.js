// -- the pinned object: its YAML at this moment, with what changed marked ---------------------------------------------

function pinboard(story, versions, actions) {
  const { words, kinds } = story;
  const element = make("aside", { class: "pinned", hidden: true, "aria-label": words.pinned });
  let id = null;

  const button = (name, glyph, action) => say("button", { type: "button", class: `small ${name}`, "aria-label": words[name], title: words[name], onclick: action }, icon(glyph));

  function paint(now) {
    element.hidden = id === null;
    if (id === null) return;
    const { object, since, before } = versionAt(versions, id, now);
    const fresh = object && since === now;
    const was = new Map(before && fresh ? yamlLines(before) : []);
    const lines = object ? yamlLines(object) : [];
    const is = new Set(lines.map(([path]) => path));
    const isNew = (path, text) => fresh && before && was.get(path) !== text;
    const code = say("code", {}, lines.map(([path, text]) => [say(isNew(path, text) ? "ins" : "span", {}, text), "\n"]));
    const lost = [...was].filter(([path]) => !is.has(path)).map(([, text]) => say("del", {}, `${text}\n`));
    const note = !object ? words.absent : fresh ? (before ? words.changedHere : words.newHere) : fill(words.since, { i: since + 1 });
    const [kind, name] = [kindOf(id), nameOf(id)];
    const scrolled = element.querySelector("pre")?.scrollTop ?? 0;
    fit(element, [
      say("div", { class: "pinned-name", style: hue(kinds[kind].hue) }, icon(kinds[kind].glyph, 15), say("span", { class: "kind" }, kind), say("b", {}, name),
        say("span", { class: "when" }, note),
        say("span", { class: "tools" },
          button("changeBefore", ICONS.previous, () => actions.jump(-1)), button("changeAfter", ICONS.next, () => actions.jump(1)),
          button("unpin", "M4 4l8 8M12 4l-8 8", () => actions.pin(null)))),
      say("pre", { tabindex: 0, "aria-label": `${kind} ${name}` }, code, lost)]);
    const [mark, pre] = [element.querySelector("ins"), element.querySelector("pre")];
    laidOut(pre, () => { pre.scrollTop = mark ? Math.max(0, mark.offsetTop - pre.offsetTop - 60) : scrolled; });
  }

  return {
    element,
    paint,
    get id() { return id; },
    set id(value) { id = value; },
    yaml: (now) => yamlLines(versionAt(versions, id, now).object ?? {}).map(([, text]) => text).join("\n"),
    /** The frame of the next (or previous) change of the pinned object; undefined if there is none. */
    change: (now, way) => {
      const frames = (versions.get(id) ?? []).map(([i]) => i);
      return way > 0 ? frames.find((i) => i > now) : frames.filter((i) => i < now).pop();
    },
  };
}
