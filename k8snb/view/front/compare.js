// -- the difference: observed and desired side by side, and the action that follows ------------------------------------

const MOST_COMPARED = 340; // pixels that what is compared takes at most
const MOST_FOLLOWS = 120; // and what follows from it

/** What is compared has the room that three of four steps need, what follows that of all, up to a limit; `heights(contents)` measures. */
function compare(story, pin, heights) {
  const { words, kinds, frames, ids } = story;
  const parts = [[compared, most, MOST_COMPARED, words.compared], [follows, (all) => Math.max(...all), MOST_FOLLOWS, words.act]].map(([tell, room, limit, label]) => {
    const content = make("div", {});
    const box = make("div", { class: `window ${tell.name}`, role: "group", "aria-label": label }, content);
    return { tell, room, limit, content, box, view: windowed(box, content), tall: new Map() };
  });
  const element = make("div", { class: "compare" }, parts.map(({ box }) => box));

  const row = (name, observed, desired) => {
    const differs = desired !== undefined && observed !== desired;
    return say("tr", { class: differs ? "differs" : desired === undefined ? "alone" : "" }, say("th", { scope: "row" }, breaking(name)), say("td", {}, breaking(observed)),
      say("td", { class: "sign", "aria-label": desired === undefined ? "" : differs ? words.differs : words.equal }, desired === undefined ? "" : differs ? "≠" : "="),
      say("td", {}, breaking(desired ?? "")));
  };
  const part = (title, rows, colspan = 4) => (rows.length ? say("tbody", {}, say("tr", { class: "part" }, say("th", { colspan, scope: "rowgroup" }, title)), rows) : null);

  function compared(frame) {
    const both = (frame.compared ?? []).map(([name, observed, desired]) => row(name, observed, desired));
    const known = new Set((frame.compared ?? []).map(([name]) => name));
    const seen = (frame.observed ?? []).filter(([name]) => !known.has(name)).map(([name, value]) => row(name, value));
    const written = (frame.acts ?? []).filter((act) => act.changes).map((act) =>
      part(withoutHashes(`${act.verb} ${act.object}`), act.changes.map(([path, before, after]) => row(path, before || "∅", after || "∅"))));
    const read = (frame.read ?? []).map((number) => {
      const id = ids[number];
      return say("button", { type: "button", class: "ref", style: hue(kinds[kindOf(id)]?.hue ?? "slate"), onclick: () => pin(id) }, icon(kinds[kindOf(id)]?.glyph ?? "", 13), nameOf(id));
    });
    const alone = !both.length && !written.some(Boolean); // there is nothing beside what was seen
    return [
      read.length ? [say("h4", {}, words.read), say("div", { class: "refs" }, read)] : "",
      alone && !seen.length ? say("p", { class: "none" }, words.uncompared) : "",
      say("table", { class: alone ? "seen-only" : "", hidden: alone && !seen.length }, say("caption", {}, withoutHashes(`${frame.actor}${frame.subject ? ` · ${frame.subject}` : ""}`)),
        say("thead", {}, say("tr", {}, [words.field, words.observed, "", words.desired].map((name) => say("th", { scope: "col" }, name)))),
        part(words.compared, both), part(words.observed, seen, alone ? 2 : 4), written)];
  }

  function follows(frame) {
    const acts = (frame.acts ?? []).map((act) => actItem({ ...act, changes: undefined, more: 0 }, words));
    const wrong = frame.error && say("span", { class: "wrong" }, frame.error);
    const said = [frame.caption, frame.caption && wrong && " ", wrong].filter(Boolean);
    return [
      said.length || !acts.length ? say("p", {}, say("b", {}, `${words.therefore} `), said.length ? said : words.nothing) : "",
      acts.length ? say("ul", {}, acts) : ""];
  }

  const some = frames.filter((_, i) => i % Math.ceil(frames.length / 50) === 0);
  for (const { tell, room, limit, box, view, tall } of parts) {
    const all = heights(some.map((frame) => say("div", { class: "compare" }, say("div", { class: box.className }, tell(frame)))));
    some.forEach((frame, i) => tall.set(frame, all[i]));
    view.keep(Math.min(room(all), limit) + 4);
  }

  function paint(now) {
    for (const { tell, content, view, tall } of parts) {
      view.begin(tall.get(frames[now]));
      fit(content, tell(frames[now]));
    }
  }
  return { element, paint };
}
