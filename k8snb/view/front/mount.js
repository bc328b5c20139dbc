// -- the whole --------------------------------------------------------------------------------------------------

const VIEWS = ["topology", "sequence", "diff", "timeline"];
const PACES = [1, 2, 4, 0.5];
const MOMENT = 0.1; // seconds: what takes less is no time
const SCROLLBAR = 14; // pixels beside a sequence in which nothing stands
const NARROW_PAGE = 575; // pixels: what is left of the 600 of the style sheet

/**
 * Draws the story into `host`'s shadow root. `position` says where it stands: `get()`, `set(index)`, `listen(callback)`;
 * `link(index)`, where there is one, gives the address of a step; `act(message)` asks a kernel to do something.
 */
function mount(host, packed, position, { link, act, said } = {}) {
  const story = unpack(packed);
  const { frames, words, lanes } = story;
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const scenes = unfold(frames);
  const versions = versionsOf(frames);
  const last = frames.length - 1;
  const clamp = (index) => Math.max(0, Math.min(last, index));
  const go = (index) => { if (clamp(index) !== position.get()) position.set(clamp(index)); };
  let timer = 0;
  let pace = 0;

  // Moving through the story.
  const stop = () => { clearInterval(timer); timer = 0; showPlaying(); };
  const step = () => (position.get() >= last ? stop() : go(position.get() + 1));
  const start = () => { timer = setInterval(() => { if (host.isConnected) step(); else stop(); }, BEAT / PACES[pace]); };
  const toggle = () => {
    if (timer) return stop();
    if (position.get() >= last) go(0);
    start();
    showPlaying();
  };
  const move = (index) => { if (timer) stop(); go(index); };
  /** The nearest frame in a direction in which the component of this frame acts again. */
  const again = (way) => {
    const { actor } = frames[position.get()];
    for (let i = position.get() + way; i >= 0 && i <= last; i += way) if (frames[i].actor === actor) return move(i);
  };
  const jump = (way) => { const found = board.change(position.get(), way); if (found !== undefined) move(found); };
  const faster = (by) => {
    pace = (pace + by + PACES.length) % PACES.length;
    buttons.pace.textContent = `${PACES[pace] === 0.5 ? "½" : PACES[pace]}×`;
    if (timer) { clearInterval(timer); start(); }
  };
  const pin = versions.size === 0 ? null : (id, chosen) => {
    board.id = id === board.id ? null : id;
    repaint();
    if (chosen && board.id) laidOut(board.element, () => uncover(chosen));
  };
  /** On a phone the pinned object lies upon the picture: what it was chosen by shall not be beneath it. */
  function uncover(chosen) {
    if (getComputedStyle(board.element).position !== "sticky") return;
    const hidden = chosen.getBoundingClientRect().bottom + 8 - board.element.getBoundingClientRect().top;
    if (hidden > 0) scrollBy({ top: hidden });
  }

  // What is on the board.
  const button = (name, content, action) => make("button", { type: "button", class: name, "aria-label": words[name], title: words[name], onclick: action }, content);
  const buttons = {
    first: button("first", icon(ICONS.first), () => move(0)),
    previous: button("previous", icon(ICONS.previous), () => move(position.get() - 1)),
    play: button("play", icon(ICONS.play), toggle),
    next: button("next", icon(ICONS.next), () => move(position.get() + 1)),
    last: button("last", icon(ICONS.last), () => move(last)),
    pace: button("pace", "1×", () => faster(1)),
    help: button("help", "?", () => showHelp()),
  };
  if (link) buttons.link = button("link", icon(ICONS.link), () => copy(link(position.get())));
  function showPlaying() {
    const name = timer ? "pause" : "play";
    fit(buttons.play, [icon(ICONS[name])]);
    buttons.play.setAttribute("aria-label", words[name]);
    buttons.play.title = words[name];
  }
  function copy(address) {
    history.replaceState(null, "", address);
    navigator.clipboard?.writeText(location.href).catch(() => {});
    live.textContent = words.linked;
  }

  const range = make("input", { type: "range", min: 0, max: last, step: 1, "aria-label": words.scrub, oninput: () => move(+range.value) });
  const count = make("span", { class: "count", "aria-hidden": "true", style: `width:${2 * `${frames.length}`.length + 2}ch` });
  const music = score(story, move);
  const board = pinboard(story, versions, { pin: (id) => pin(id), jump });
  const makers = {
    topology: () => picture(story, scenes, pin),
    sequence: () => sequence(story, move, (panels.clientWidth || 744) - SCROLLBAR),
    diff: () => compare(story, pin, (contents) => heights(panels, contents)),
    timeline: () => timeline(story, scenes, versions, move),
  };
  const wanted = VIEWS.filter((name) => (story.views ?? ["topology"]).includes(name));
  const names = wanted.filter((name) => name !== "timeline" || wanted.length === 1 || frames[last].at >= MOMENT); // where no time passes, there is none to show
  const views = {};
  let view = names.includes(story.views?.[0]) ? story.views[0] : names[0];
  const panels = make("div", { class: "panels" });
  const tabs = names.map((name) => make("button", { type: "button", role: "tab", class: "tab", onclick: () => choose(name) }, words[name]));
  const headline = make("div", { class: "headline" });
  const told = make("div", {});
  const speech = make("div", { class: "words", role: "group", "aria-label": words.observe }, told);
  const live = make("div", { class: "unseen", role: "status", "aria-live": "polite" });
  const help = make("div", { class: "keys", hidden: true, role: "note" }, make("dl", {}, words.shortcuts.map(([key, meaning]) => [make("dt", {}, make("kbd", {}, key)), make("dd", {}, meaning)])));
  function showHelp() { help.hidden = !help.hidden; }

  function choose(name) {
    view = section.dataset.view = name;
    tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(names[i] === name));
      tab.tabIndex = names[i] === name ? 0 : -1;
    });
    views[name] ??= makers[name]();
    panels.replaceChildren(views[name].element);
    repaint();
  }
  const turnTab = (way) => {
    if (names.length > 1) choose(names[(names.indexOf(view) + way + names.length) % names.length]);
  };

  const keys = {
    " ": toggle, ArrowLeft: () => move(position.get() - 1), ArrowRight: () => move(position.get() + 1),
    ArrowUp: () => move(position.get() - 1), ArrowDown: () => move(position.get() + 1), Home: () => move(0), End: () => move(last),
    ",": () => again(-1), ".": () => again(1), p: () => jump(-1), n: () => jump(1), "+": () => faster(1), "-": () => faster(-1),
    v: () => turnTab(1), "?": showHelp, Escape: () => (help.hidden ? board.id !== null && pin(null) : showHelp()),
  };

  const section = make("section", {
    tabindex: 0, role: "group", "aria-roledescription": words.stepper, "aria-label": `${story.title}. ${words.keys}`,
    "data-lm-suppress-shortcuts": "true", class: "stepper",
  },
  make("header", {}, make("span", { class: "title" }, story.title), make("span", { class: "corner" }, count, buttons.link ?? "", buttons.help)),
  help,
  make("div", { class: "board" }, music.labels, make("div", { class: "track" }, music.svg, range)),
  make("div", { class: "controls", role: "toolbar", "aria-label": words.stepper }, buttons.first, buttons.previous, buttons.play, buttons.next, buttons.last, buttons.pace, headline),
  live, speech,
  names.length > 1 ? make("div", { class: "tabs", role: "tablist", "aria-label": words.views }, tabs) : null,
  make("div", { class: "stage" }, panels, board.element),
  act ? actions(story, board, position, act, said) : null);

  section.addEventListener("keydown", (event) => {
    const action = keys[event.key];
    const active = root.activeElement;
    const writing = /^(TEXTAREA|SELECT)$/.test(active?.tagName);
    const pressing = event.key === " " && active?.tagName === "BUTTON";
    if (!action || pressing || writing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (active?.getAttribute("role") === "tab" && /^Arrow(Left|Right)$/.test(event.key)) {
      turnTab(event.key === "ArrowRight" ? 1 : -1);
      tabs[names.indexOf(view)].focus();
    } else action();
    event.preventDefault();
    event.stopPropagation();
  });

  /** Who acts, on what, when and why. */
  function heading({ actor, subject, lane, time, revision, cause, from }) {
    const because = cause ? fill(words.because, { revision: cause }) : "";
    return [
      say("span", { class: "actor", style: hue(lanes[lane].hue) }, actor),
      subject && say("span", { class: "subject", title: subject }, withoutHashes(subject)),
      say("span", { class: "when" }, revision ? `${time} · @${revision}` : time),
      because && (from === undefined ? say("span", { class: "when" }, because)
        : say("button", { type: "button", class: "because", onclick: () => move(from) }, because))];
  }

  let shown;
  function paint() {
    const now = clamp(position.get());
    if (now === shown) return;
    const previous = shown;
    shown = now;
    views[view]?.paint(now, previous); // first, as it may ask where things stand, which costs nothing until something changes
    const frame = frames[now];
    range.value = now;
    range.setAttribute("aria-valuetext", `${fill(words.step, { i: now + 1, n: frames.length })}: ${frame.actor}`);
    count.textContent = `${now + 1} / ${frames.length}`;
    buttons.first.disabled = buttons.previous.disabled = now === 0;
    buttons.next.disabled = buttons.last.disabled = now === last;
    fit(headline, heading(frame));
    speaking.begin(tallOf.get(frame));
    const [shape, parts] = panes(frame, words);
    told.className = shape;
    fit(told, parts);
    music.paint(now);
    board.paint(now);
    if (previous !== undefined) {
      const said = frame.caption || (frame.acts ?? []).map((each) => each.note ?? `${each.verb} ${each.object}`).join(", ");
      live.textContent = `${fill(words.step, { i: now + 1, n: frames.length })}. ${frame.actor}: ${said}`;
    }
  }
  const speaking = windowed(speech, told);
  let tallOf = new Map(); // how high the words of a frame are
  /** Draw the present view and the pinned object again, where the reader stands. */
  function repaint() {
    if (shown === undefined) return;
    views[view]?.paint(shown, shown);
    board.paint(shown);
    section.classList.toggle("pinning", board.id !== null);
  }

  const longest = (length) => frames.map((frame) => [length(frame), frame]).sort(([one], [other]) => other - one).slice(0, 50).map(([, frame]) => frame);
  /** The heights that an element needs for contents; where it is not shown, it would be as wide as all. */
  function heights(element, contents) {
    const probe = make("div", { class: "probe", "aria-hidden": "true", style: `width:${element.clientWidth || width}px` }, contents);
    section.append(probe);
    const found = [...probe.children].map((child) => Math.ceil(child.getBoundingClientRect().height));
    probe.remove();
    return found;
  }

  // The words have the height that three of four frames need, and the first, up to a limit; on a phone, where they stand one
  // below another, that of all if it is not much more. The others scroll. So nothing below moves.
  let width = 0;
  new ResizeObserver(([entry]) => {
    if (Math.abs(entry.contentRect.width - width) < 1 || !entry.contentRect.width) return;
    width = entry.contentRect.width;
    const some = longest((frame) => JSON.stringify([frame.observed, frame.caption, frame.acts, frame.error]).length);
    const heads = longest((frame) => [frame.actor, frame.subject, frame.time, frame.cause].join().length);
    const talls = heights(speech, some.map((frame) => panes(frame, words)).map(([shape, parts]) => make("div", { class: shape }, parts)));
    tallOf = new Map(some.map((frame, i) => [frame, talls[i]]));
    const [first] = heights(speech, [frames[0]].map((frame) => panes(frame, words)).map(([shape, parts]) => make("div", { class: shape }, parts)));
    const [limit, bearable] = width < NARROW_PAGE ? [320, 1.6] : [190, 1];
    const [usual, all] = [Math.max(most(talls), first), Math.max(...talls)];
    speaking.keep(Math.min(all > usual * bearable ? usual : all, limit) + 4);
    headline.style.height = `${Math.max(...heights(headline, heads.map((frame) => make("div", { class: "headline" }, heading(frame)))))}px`;
    for (const name of ["sequence", "diff"].filter((each) => views[each])) { // these are made for the room that there is
      delete views[name];
      if (view === name) choose(name);
    }
  }).observe(section); // not the words: a story that begins with its Diff does not show them

  if (view) choose(view); // a story without views is told in words alone
  // It has the height of its content by itself: what changes within is then laid out and painted without the page around it.
  const hold = make("div", { class: "hold" }, section);
  new ResizeObserver(() => {
    hold.style.height = `${section.offsetHeight}px`;
    hold.classList.toggle("known", section.offsetHeight > 0);
  }).observe(section);
  root.replaceChildren(make("style", {}, CSS), hold, make("slot"));
  position.listen(paint);
  paint();
}
