// -- the sequence: who asked whom, and because of which revision ------------------------------------------------------

const TEXT_LINE = 14; // height of one line of words, in pixels
const LETTER = 6.8; // how wide a letter is in wide fonts
const BOLD = 7.8; // and how wide a bold one
const BEFORE = 110; // pixels of what came before that stay in sight
const NARROW = 110; // where columns are narrower, names are smaller

const brief = (name) => (name.length > 24 ? `${name.slice(0, 13)}…${name.slice(-9)}` : name);

function sequence(story, go, room) {
  const { frames, lanes, words } = story;
  const names = [...new Set(frames.map((frame) => frame.actor))];
  const many = names.length > 9;
  const who = (frame) => (many ? lanes[frame.lane].name : frame.actor);
  const actors = [...new Set(frames.map(who))];
  // Where components speak with each other, acts say to whom; else everything goes through the API server.
  const addressed = frames.flatMap((frame) => (frame.acts ?? []).flatMap((act) => (act.to ? [act.by ?? who(frame), act.to] : [])));
  const columns = addressed.length ? [...new Set([...addressed, ...actors])] : ["etcd", words.server, ...actors];
  const width = Math.max(20, room / columns.length);
  // Where their words would be torn, names stand upright, without the tail that many share.
  const upright = BOLD * Math.max(...columns.flatMap((name) => name.split(/[-\s]/)).map((word) => word.length)) > width - 8;
  const x = (i) => width * i + width / 2;
  const hues = new Map(frames.map((frame) => [who(frame), lanes[frame.lane].hue]));
  const total = columns.length * width;
  const head = make("div", { class: "heads", style: `width:${total}px` }, columns.map((name) =>
    make("span", { class: "column", style: `width:${width}px;${hue(hues.get(name) ?? "slate")}`, title: name }, make("span", {}, upright ? brief(bare(name, columns)) : name))));
  const svg = draw("svg", { width: "100%", class: "arrows", role: "list", "aria-label": words.sequence });
  const groups = [];
  let y = 6;

  const arrow = (group, from, to, label, kind, more = "") => {
    const [a, b] = [x(from), x(to)];
    const way = a < b ? 1 : -1;
    const stores = kind === "stores"; // the words of a request say what it became
    if (!stores) say(group, label, (a + b) / 2, kind, more);
    y += 9;
    const line = draw("line", { class: `arrow ${kind}`, x1: a, y1: y, x2: b - way * 5, y2: y });
    if (stores) line.append(whole(label));
    group.append(line, draw("path", { class: "tip", d: `M${b} ${y}l${-7 * way} -3.6v7.2z` }));
    y += 3;
  };
  const whole = (label) => {
    const full = draw("title", {});
    full.textContent = label;
    return full;
  };
  /** Words in lines of their own, as near to a place as they fit. */
  const say = (group, label, place, kind, more = "") => {
    const letter = /[\u2e80-\uffff]/.test(label) ? 11.2 : LETTER; // Chinese ones are as wide as they are high
    const most = Math.floor((total - 8) / letter);
    const lines = [""];
    const pieces = new RegExp(`[^\\s/]{0,${most - 1}}[\\s/]?`, "g"); // words, and of what is longer than a line as much as fits
    for (const word of `${withoutHashes(label)}${more}`.match(pieces)) {
      if (lines.at(-1) && lines.at(-1).length + word.trimEnd().length > most) lines.push("");
      lines[lines.length - 1] += word;
    }
    const text = draw("text", { class: kind, "text-anchor": "middle" });
    const half = Math.min(Math.max(...lines.map((line) => line.trim().length)), most) * letter / 2;
    const middle = Math.max(4 + half, Math.min(total - 4 - half, place));
    for (const line of lines) {
      y += TEXT_LINE;
      const part = draw("tspan", { x: middle, y });
      part.textContent = line.trim();
      text.append(part);
    }
    text.append(whole(label));
    group.append(text);
  };
  /** What somebody does alone stands at their line. */
  const thought = (group, me, label) => {
    say(group, label, x(me), "own");
    y += 9;
    group.append(draw("circle", { class: "tip", cx: x(me), cy: y - 2, r: 3 }));
  };

  frames.forEach((frame, i) => {
    const me = columns.indexOf(who(frame));
    const group = draw("g", { class: "turn", role: "listitem", "aria-label": `${frame.actor}: ${frame.caption ?? ""}` });
    const ground = draw("rect", { class: "ground", x: 0, y, width: "100%" });
    group.append(ground);
    group.style.setProperty("--hue", `var(--k-${lanes[frame.lane].hue})`);
    const top = y;
    if (addressed.length) {
      const acts = (frame.acts ?? []).filter((act) => act.to);
      for (const act of acts) arrow(group, columns.indexOf(act.by ?? who(frame)), columns.indexOf(act.to), `${act.verb} ${act.object}`, "asks");
      if (!acts.length) thought(group, me, frame.error ?? [frame.caption, ...(frame.acts ?? []).map((act) => `${act.verb} ${act.object}`)].filter(Boolean).join(" · "));
    } else if (frame.cause) arrow(group, 1, me, fill(words.hears, { revision: frame.cause }), "watch");
    if (!addressed.length) for (const act of frame.acts ?? []) {
      const refused = act.code >= 300;
      const stored = act.revision && !refused;
      const more = stored ? ` @${act.revision}` : "";
      arrow(group, me, 1, act.note ? `${act.verb} ${act.note}` : `${act.verb} ${act.object}${refused ? ` → ${act.code}` : ""}`, refused ? "refused" : act.note ? "said" : "asks", more);
      if (stored) {
        y -= 12;
        arrow(group, 1, 0, `@${act.revision}`, "stores");
      }
    }
    y += 7;
    ground.setAttribute("height", y - top);
    group.addEventListener("click", () => go(i));
    groups.push({ group, top });
  });
  svg.setAttribute("height", y + 4);
  const life = columns.map((_, i) => draw("line", { class: "life", x1: x(i), x2: x(i), y1: 0, y2: y + 4 }));
  svg.append(...life, ...groups.map(({ group }) => group));

  // What each thinks: all have a place from the start, with room for the longest, and only what changes is written anew.
  const longest = new Map();
  for (const frame of frames) if ((frame.caption ?? "").length > (longest.get(who(frame)) ?? "").length) longest.set(who(frame), frame.caption);
  const thinkers = new Map([...longest].map(([name, caption]) => [name,
    make("dd", { class: "layers" }, make("span", {}, "–"), make("b", { class: "ghost", "aria-hidden": "true" }, `${caption} ${fill(words.at, { i: frames.length })}`))]));
  const thoughts = make("dl", { class: "thoughts" }, [...thinkers].map(([name, said]) => [make("dt", { class: "actor", style: hue(hues.get(name)) }, name), said]));
  const scroller = make("div", { class: "scroller", tabindex: 0, role: "group", "aria-label": words.sequence }, svg);
  const board = make("div", { class: `partners${width < NARROW ? " slim" : ""}${upright ? " upright" : ""}` }, head, scroller);
  const element = make("div", { class: "sequence" }, board, thinkers.size ? [make("h4", {}, words.thoughts), thoughts] : "");

  function paint(now) {
    const first = groups.findIndex(({ top }) => top >= groups[now].top - BEFORE);
    scroller.scrollTop = first < now ? groups[first].top - 4 : groups[now].top - BEFORE; // it begins with a whole turn, if that fits
    groups.forEach(({ group }, i) => {
      group.classList.toggle("now", i === now);
      group.classList.toggle("past", i < now);
    });
    const latest = new Map();
    for (let i = 0; i <= now; i++) if (frames[i].caption) latest.set(who(frames[i]), i);
    for (const [name, said] of thinkers) {
      const i = latest.get(name);
      said.classList.toggle("now", i === now);
      if (said.frame === i) continue;
      said.frame = i;
      said.firstChild.replaceChildren(...(i === undefined ? ["–"] : [frames[i].caption, " ", make("button", { type: "button", class: "because", onclick: () => go(i) }, fill(words.at, { i: i + 1 }))]));
    }
  }
  return { element, paint };
}
