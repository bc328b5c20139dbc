// -- the difference: observed and desired side by side, and the action that follows ------------------------------------

function compare(story, pin) {
  const { words, kinds, frames, ids } = story;
  const element = make("div", { class: "compare" });

  const row = (name, observed, desired) => {
    const differs = desired !== undefined && observed !== desired;
    return make("tr", { class: differs ? "differs" : desired === undefined ? "alone" : "" }, make("th", { scope: "row" }, breaking(name)), make("td", {}, breaking(observed)),
      make("td", { class: "sign", "aria-label": desired === undefined ? "" : differs ? words.differs : words.equal }, desired === undefined ? "" : differs ? "≠" : "="),
      make("td", {}, breaking(desired ?? "")));
  };
  const part = (title, rows, colspan = 4) => (rows.length ? make("tbody", {}, make("tr", { class: "part" }, make("th", { colspan, scope: "rowgroup" }, title)), rows) : null);

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
      return make("button", { type: "button", class: "ref", style: hue(kinds[kindOf(id)]?.hue ?? "slate"), onclick: () => pin(id) }, icon(kinds[kindOf(id)]?.glyph ?? "", 13), nameOf(id));
    });
    const acts = (frame.acts ?? []).map((act) => actItem({ ...act, changes: undefined, more: 0 }, words));
    const alone = !compared.length && !written.some(Boolean); // there is nothing beside what was seen
    element.replaceChildren(
      ...(read.length ? [make("h4", {}, words.read), make("div", { class: "refs" }, read)] : []),
      make("table", { class: alone ? "seen-only" : "", hidden: !compared.length && !seen.length && !written.some(Boolean) }, make("caption", {}, `${frame.actor}${frame.subject ? ` · ${frame.subject}` : ""}`),
        make("thead", {}, make("tr", {}, [words.field, words.observed, "", words.desired].map((name) => make("th", { scope: "col" }, name)))),
        part(words.compared, compared), part(words.observed, seen, alone ? 2 : 4), written),
      frame.caption || !acts.length ? make("p", { class: "therefore" }, make("b", {}, `${words.therefore} `), frame.caption ?? words.nothing) : "",
      acts.length ? make("ul", { class: "therefore-acts" }, acts) : "");
  }
  return { element, paint };
}
