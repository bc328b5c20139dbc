// -- the timeline: numbers, phases and conditions over virtual time --------------------------------------------------

const NUMERIC = /^-?\d+(\.\d+)?$/;

function timeline(story, scenes, versions, go) {
  const { frames, states, kinds, words } = story;
  const end = Math.max(frames[frames.length - 1].at, 0.001);
  const percent = (time) => (100 * time) / end;
  const last = frames.length - 1;
  const cursor = draw("line", { class: "cursor", y2: "100%" }); // of SVG: where a box moves, a browser layers the whole page anew
  const over = draw("svg", { class: "cursors", "aria-hidden": "true" });
  over.append(cursor);

  /** The stretches of time in which `read(i)` gives the same: [[from, to, value], …]; nothing where it gives null. */
  function stretches(read) {
    const found = [];
    for (let i = 0; i <= last; i++) {
      const value = read(i);
      const open = found[found.length - 1];
      if (open && open[2] === value) continue;
      if (open) open[1] = frames[i].at;
      found.push([frames[i].at, end, value]);
    }
    return found.filter(([from, to, value]) => value !== null && (to > from || from === end));
  }

  const row = (label, kind, content, lane, more = "") => make("div", { class: `row ${lane}` },
    make("div", { class: "label", title: label + more, style: hue(kinds[kind]?.hue ?? "slate") }, icon(kinds[kind]?.glyph ?? "", 13), shortened(label, more)),
    make("div", { class: "bands" }, content));

  const band = ([from, to], tint, glyph, word) => make("div", { class: "band", title: `${word} ${from} s – ${to} s`, style: `left:min(${percent(from)}%,calc(100% - 9px));width:max(2px,calc(${percent(to - from)}% - 1px));${hue(tint)}` }, glyph, make("span", {}, word));

  const readings = []; // what the key of each line shows: [element, name, parts, how it is written]

  /** A row of stepped lines in one scale; its keys say which line is which and where each stands at the cursor. */
  function lines(label, kind, series, shown = String, title = "", more = "") {
    const top = Math.max(1, ...series.flatMap(([, parts]) => parts.map(([, , value]) => value)));
    const svg = draw("svg", { viewBox: "0 0 1000 40", preserveAspectRatio: "none", class: "steps", role: "img", "aria-label": title || `${label}: ${series.map(([name]) => name).join(", ")}` });
    series.forEach(([, parts, n]) => {
      const d = parts.map(([from, to, value], k) => `${k && parts[k - 1][1] === from ? "L" : "M"}${percent(from) * 10} ${37 - (34 * value) / top}H${percent(to) * 10}`).join("");
      svg.append(draw("path", { d, class: `line n${n % 4}` }));
    });
    const keys = series.map(([name, parts, n]) => {
      const value = make("b", {});
      readings.push([value, parts, shown]);
      return make("span", { class: `key n${n % 4}` }, `${name} `, value);
    });
    const found = row(label, kind, [svg, make("span", { class: "top", "aria-hidden": "true" }, shown(top))], "numbers", more);
    found.firstChild.append(make("span", { class: "legend" }, keys));
    return found;
  }

  /** What the pods of each app used when somebody measured, beside what they request: CPU, then memory. */
  function usage() {
    const apps = new Map();
    for (const frame of frames) for (const [at, app, , ...amounts] of frame.used ?? []) (apps.get(app) ?? apps.set(app, []).get(app)).push([at, ...amounts]);
    const cores = (value) => (value >= 1000 ? `${+(value / 1000).toFixed(1)}` : `${value}m`);
    const bytes = (value) => `${Math.round(value / 2 ** 20)}Mi`;
    return [...apps].flatMap(([app, taken]) => [[words.cpu, 1, cores], [words.memory, 3, bytes]].flatMap(([name, at, shown]) => {
      const line = (n) => taken.map((each, i) => [each[0], taken[i + 1]?.[0] ?? end, each[n]]);
      const series = [[words.requested, line(at + 1), 0], [words.used, line(at), 1]].filter(([, parts]) => parts.some(([, , value]) => value));
      const more = ` · ${name}`;
      return lines(nameOf(app), kindOf(app), series, shown, `${nameOf(app)}${more}: ${series.map(([each]) => each).join(", ")}`, more);
    }));
  }

  function numbers(id) {
    const labels = [...new Set(scenes.flatMap((scene) => (scene.get(id)?.facts ?? []).filter(([, value]) => NUMERIC.test(value)).map(([label]) => label)))];
    const series = labels.map((label, n) => [label, stretches((i) => { const fact = scenes[i].get(id)?.facts?.find(([name]) => name === label); return fact ? +fact[1] : null; }), n]);
    return series.some(([, parts]) => parts.length > 1) ? [lines(nameOf(id), kindOf(id), series, String, `${id}: ${labels.join(", ")}`)] : [];
  }

  const ids = [...new Set(scenes.flatMap((scene) => [...scene.keys()]))];
  const cards = ids.filter((id) => scenes.some((scene) => (scene.get(id)?.facts ?? []).filter(([, value]) => NUMERIC.test(value)).length > 1));
  const pods = ids.filter((id) => scenes.some((scene) => scene.get(id)?.place));
  const phases = pods.map((id) => row(nameOf(id), kindOf(id), stretches((i) => { const item = scenes[i].get(id); return item ? `${item.state ?? ""} ${item.word ?? ""}` : null; })
    .map((part) => {
      const [state, ...word] = part[2].split(" "); // what has no state has only words
      return band(part, states[state]?.hue ?? kinds[kindOf(id)].hue, state ? mark(states[state]) : "", word.join(" "));
    }), "phase"));

  const conditions = [...versions].filter(([id]) => !id.startsWith("Pod/")).flatMap(([id]) => {
    const at = frames.map((_, i) => versionAt(versions, id, i).object?.status?.conditions ?? []);
    const types = [...new Set(at.flatMap((list) => list.map((each) => each.type)))];
    return types.map((type) => [type, stretches((i) => { const found = at[i].find((each) => each.type === type); return found ? `${found.status} ${found.reason ?? ""}` : null; })])
      .filter(([, parts]) => parts.length > 1)
      .map(([type, parts]) => row(nameOf(id), kindOf(id), parts.map((part) => {
        const [status, reason] = part[2].split(" ");
        return band(part, status === "True" ? "green" : status === "False" ? "red" : "amber", status === "True" ? "✓ " : status === "False" ? "✕ " : "? ", reason || status);
      }), "phase", ` · ${type}`));
  }).slice(0, 14);

  const used = usage();
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400].find((each) => end / each <= 6) ?? end / 5;
  const ticks = Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
  const scale = make("div", { class: "row scale" }, make("div", { class: "label" }), make("div", { class: "bands" }, ticks.map((t) => make("span", { class: "tick", style: `left:${percent(t)}%;--back:${percent(t) > 94 ? "-100%" : "-50%"}` }, `${+t.toFixed(1)} s`))));
  const plot = make("div", { class: `plot ${pods.length > 24 ? "dense" : ""}` },
    cards.flatMap(numbers), used.length ? make("h4", {}, words.usage) : null, used, phases.length ? make("h4", {}, words.phases) : null, phases,
    conditions.length ? make("h4", {}, words.conditions) : null, conditions, scale,
    make("div", { class: "row over" }, make("div", { class: "label" }), make("div", { class: "bands" }, over)));

  const jump = (event) => {
    const box = over.getBoundingClientRect();
    const time = (end * (event.clientX - box.left)) / box.width;
    if (time < -0.02 * end) return;
    const before = frames.filter((frame) => frame.at <= time).length - 1;
    go(Math.max(0, before));
  };
  plot.addEventListener("pointerdown", jump);
  plot.addEventListener("pointermove", (event) => event.buttons && jump(event));

  return { element: make("div", { class: "timeline" }, plot), paint };

  function paint(now) {
    const { at } = frames[now];
    cursor.setAttribute("x1", `${percent(at)}%`);
    cursor.setAttribute("x2", `${percent(at)}%`);
    for (const [value, parts, shown] of readings) {
      const here = parts.findLast(([from]) => from <= at);
      fit(value, [here ? shown(here[2]) : "–"]);
    }
  }
}
