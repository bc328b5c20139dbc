// -- the words: observe, diff, act -------------------------------------------------------------------------------

/** What stands in the panes, and how they share the room. */
function panes(frame, words) {
  const observed = frame.observed && make("dl", { class: "seen" }, frame.observed.map(([name, value]) => [make("dt", {}, breaking(name)), make("dd", {}, breaking(value))]));
  const parts = [];
  if (observed) parts.push(make("div", { class: "pane" }, make("h4", {}, words.observe), observed));
  if (frame.caption) parts.push(make("div", { class: "pane" }, make("h4", {}, words.difference), make("p", {}, breaking(frame.caption))));
  const acts = (frame.acts ?? []).map((act) => actItem(act, words));
  const wrong = frame.error && make("p", { class: "wrong" }, frame.error);
  parts.push(make("div", { class: "pane act" }, make("h4", {}, words.act), acts.length ? make("ul", {}, acts) : wrong ? null : make("p", { class: "when" }, words.nothing), wrong));
  return [`panes of${parts.length}${acts.length || wrong ? "" : " idle"}`, parts];
}

/** Words that may go on in the next line after dots, dashes and underscores and within CamelCase rather than anywhere, but not within addresses. */
function breaking(value) {
  return value.split(/(?<=[.:])(?=[a-z_])|(?<=[\/,@_-])(?=[^\W_])|(?<=[a-z]{3})(?=[A-Z][a-z])/).flatMap((part, i) => (i ? [make("wbr", {}), part] : [part]));
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

