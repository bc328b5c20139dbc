// -- the score: who acted when, and because of whom ------------------------------------------------------------

const THUMB = 15; // how far below the lanes the middle of the scrubber is, in pixels

/** The score, with the thumb of the scrubber below it: where a browser's own moves, it layers the whole page anew. */
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
  const thumb = draw("circle", { class: "thumb", cy: lanes.length * ROW + THUMB, r: 9 });
  svg.append(thumb);
  const jump = (event) => {
    const box = svg.getBoundingClientRect();
    go(Math.round(((event.clientX - box.left) / box.width) * (frames.length - 1)));
  };
  svg.addEventListener("pointerdown", (event) => {
    svg.setPointerCapture(event.pointerId);
    jump(event);
  });
  svg.addEventListener("pointermove", (event) => event.buttons && jump(event));
  const names = lanes.map((lane) => lane.name);
  const labels = lanes.map((lane) => {
    const name = bare(lane.name, names);
    return make("span", { class: "lane", style: hue(lane.hue), title: lane.name }, name, make("span", { class: "tail" }, lane.name.slice(name.length)));
  });
  let before = 0;
  const paint = (now) => {
    head.setAttribute("x1", x(now));
    head.setAttribute("x2", x(now));
    thumb.setAttribute("cx", x(now));
    for (let i = Math.min(now, before); i <= Math.max(now, before); i++) {
      dots[i].classList.toggle("past", i < now);
      dots[i].classList.toggle("now", i === now);
      dots[i].setAttribute("r", i === now ? radius + 2 : radius);
      threads[i]?.classList.toggle("now", i === now);
    }
    labels[frames[before].lane].classList.remove("now");
    labels[frames[now].lane].classList.add("now");
    before = now;
  };
  return { labels: make("div", { class: "lanes" }, labels), svg, paint };
}

