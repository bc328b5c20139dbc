// -- the words: observe, diff, act -------------------------------------------------------------------------------

/** The height that three of four contents have at most. */
const most = (heights) => [...heights].sort((one, other) => other - one)[Math.floor(heights.length / 4)];

/**
 * A box whose height does not change with what stands in it, so that nothing below moves: `keep(height)` says how high.
 * What is longer scrolls, and fades out where it goes on; what scrolls can be reached by keyboard. Who changes its
 * content says so, and how high that will be, where it is known: then nothing is left to do when it has been laid out.
 */
function windowed(box, content) {
  let [room, tall, scrolled] = [0, 0, false];
  const fade = () => box.classList.toggle("more", tall - (scrolled ? box.scrollTop : 0) > room + 3);
  const reach = () => {
    fade();
    if (tall <= room + 1) box.removeAttribute("tabindex");
    else if (box.tabIndex < 0) box.tabIndex = 0;
  };
  box.addEventListener("scroll", () => { scrolled = box.scrollTop > 0; fade(); }, { passive: true });
  new ResizeObserver(([{ contentRect }]) => { tall = contentRect.height; reach(); }).observe(content);
  return {
    begin(height) {
      if (scrolled) box.scrollTop = 0;
      if (height === undefined) return;
      tall = height;
      reach();
    },
    keep(height) {
      room = height;
      box.style.cssText = `height:${room}px;contain:strict`;
      reach();
    },
  };
}

/** What stands in the panes, and how they share the room. */
function panes(frame, words) {
  const observed = frame.observed && say("dl", { class: "seen" }, frame.observed.map(([name, value]) => [say("dt", {}, breaking(name)), say("dd", {}, breaking(value))]));
  const parts = [];
  if (observed) parts.push(say("div", { class: "pane" }, say("h4", {}, words.observe), observed));
  if (frame.caption) parts.push(say("div", { class: "pane" }, say("h4", {}, words.difference), say("p", {}, breaking(frame.caption))));
  const acts = (frame.acts ?? []).map((act) => actItem(act, words));
  const wrong = frame.error && say("p", { class: "wrong" }, frame.error);
  parts.push(say("div", { class: "pane act" }, say("h4", {}, words.act), acts.length ? say("ul", {}, acts) : wrong ? null : say("p", { class: "when" }, words.nothing), wrong));
  return [`panes of${parts.length}${acts.length || wrong ? "" : " idle"}`, parts];
}

const LONG = /\S{15}/; // shorter words fit into every line

/** Words that may go on in the next line after dots, dashes and underscores and within CamelCase rather than anywhere, but not within addresses. */
function breaking(value) {
  if (!LONG.test(value)) return [value];
  return value.split(/(?<=[.:])(?=[a-z_])|(?<=[\/,@_-])(?=[^\W_])|(?<=[a-z]{3})(?=[A-Z][a-z])/).flatMap((part, i) => (i ? [say("wbr", {}), part] : [part]));
}

function actItem(act, words) {
  const refused = act.code >= 300;
  const head = act.note
    ? [say("span", { class: "verb" }, words.says), " ", say("q", {}, act.note)]
    : [say("span", { class: "verb" }, act.verb), " ", say("b", {}, withoutHashes(act.object)), refused && say("span", { class: "wrong" }, ` ${act.code}`)];
  const rows = (act.changes ?? []).map(([path, before, after]) =>
    say("li", { title: path }, say("code", {}, path.replace(/^(metadata|spec|status)\./, "")), " ", say("del", {}, before || "∅"), " → ", say("ins", {}, after || "∅")));
  if (act.more) rows.push(say("li", {}, fill(words.more, { count: act.more })));
  return say("li", { title: act.request }, head, rows.length ? say("ul", { class: "changes" }, rows) : null);
}

