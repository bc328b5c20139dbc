// -- the difference: observed and desired side by side, and the action that follows ------------------------------------

function compare(story, pin) {
  const { words, kinds, frames, ids } = story;
  const element = make("div", { class: "compare" });

  const row = (name, observed, desired) => {
    const differs = desired !== undefined && observed !== desired;
    return say("tr", { class: differs ? "differs" : desired === undefined ? "alone" : "" }, say("th", { scope: "row" }, breaking(name)), say("td", {}, breaking(observed)),
      say("td", { class: "sign", "aria-label": desired === undefined ? "" : differs ? words.differs : words.equal }, desired === undefined ? "" : differs ? "≠" : "="),
      say("td", {}, breaking(desired ?? "")));
  };
  const part = (title, rows, colspan = 4) => (rows.length ? say("tbody", {}, say("tr", { class: "part" }, say("th", { colspan, scope: "rowgroup" }, title)), rows) : null);

  function paint(now) {
    const frame = frames[now];
    const tall = element.offsetHeight; // it only grows, so that what stands below does not move with every step
    if (tall) element.style.minHeight = `${tall}px`;
    const compared = (frame.compared ?? []).map(([name, observed, desired]) => row(name, observed, desired));
    const known = new Set((frame.compared ?? []).map(([name]) => name));
    const seen = (frame.observed ?? []).filter(([name]) => !known.has(name)).map(([name, value]) => row(name, value));
    const written = (frame.acts ?? []).filter((act) => act.changes).map((act) =>
      part(`${act.verb} ${act.object}`, act.changes.map(([path, before, after]) => row(path, before || "∅", after || "∅"))));
    const read = (frame.read ?? []).map((number) => {
      const id = ids[number];
      return say("button", { type: "button", class: "ref", style: hue(kinds[kindOf(id)]?.hue ?? "slate"), onclick: () => pin(id) }, icon(kinds[kindOf(id)]?.glyph ?? "", 13), nameOf(id));
    });
    const acts = (frame.acts ?? []).map((act) => actItem({ ...act, changes: undefined, more: 0 }, words));
    const alone = !compared.length && !written.some(Boolean); // there is nothing beside what was seen
    fit(element, [
      read.length ? [say("h4", {}, words.read), say("div", { class: "refs" }, read)] : "",
      say("table", { class: alone ? "seen-only" : "", hidden: !compared.length && !seen.length && !written.some(Boolean) }, say("caption", {}, `${frame.actor}${frame.subject ? ` · ${frame.subject}` : ""}`),
        say("thead", {}, say("tr", {}, [words.field, words.observed, "", words.desired].map((name) => say("th", { scope: "col" }, name)))),
        part(words.compared, compared), part(words.observed, seen, alone ? 2 : 4), written),
      frame.caption || !acts.length ? say("p", { class: "therefore" }, say("b", {}, `${words.therefore} `), frame.caption ?? words.nothing) : "",
      acts.length ? say("ul", { class: "therefore-acts" }, acts) : ""]);
  }
  return { element, paint };
}
