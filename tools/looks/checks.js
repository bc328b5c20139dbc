// What can be measured of looks: a list of [what is wrong, where, words there, more]. A function of the element to look at, or of
// nothing: then it is the page, with its steppers.
((room = document.querySelector(".bd-main") ?? document.body) => {
  const found = [];
  const say = (what, element, more = "") => found.push([what, where(element), short(element.textContent ?? "", 40), more]);
  const short = (text, most = 60) => { const flat = text.replace(/\s+/g, " ").trim(); return flat.length > most ? `${flat.slice(0, most - 1)}…` : flat; };

  /** All elements below a root, those in shadow trees, too. */
  function* all(root) {
    for (const element of root.children) {
      yield element;
      yield* all(element.shadowRoot ?? element);
    }
  }
  const above = (element) => element.assignedSlot ?? element.parentElement ?? element.getRootNode().host ?? null;
  const ancestors = function* (element) { for (let each = above(element); each; each = above(each)) yield each; };
  const styles = new Map();
  const style = (element) => styles.get(element) ?? styles.set(element, getComputedStyle(element)).get(element);
  const seen = new Map();
  function visible(element) {
    if (!seen.has(element)) {
      const { visibility, display, opacity } = style(element);
      const up = above(element);
      seen.set(element, visibility === "visible" && display !== "none" && +opacity > 0.05 && (!up || shows(up)));
    }
    return seen.get(element);
  }
  const showing = new Map();
  function shows(element) { // it and all around it is there, even if not drawn itself
    if (!showing.has(element)) {
      const { display, opacity, clipPath } = style(element);
      const up = above(element);
      const none = /hidden|clip/.test(style(element).overflowY) && (element.clientHeight === 0 || element.clientWidth === 0) && element.offsetParent;
      const thin = element.localName === "svg" && !element.getBoundingClientRect().width;
      const folded = up?.localName === "details" && !up.open && element.localName !== "summary";
      showing.set(element, display !== "none" && +opacity > 0.05 && clipPath === "none" && !folded && !none && !thin && (!up || shows(up)));
    }
    return showing.get(element);
  }
  function where(element) {
    const name = (each) => each.localName + (each.getAttribute?.("class") ? `.${each.getAttribute("class").trim().split(/\s+/).slice(0, 2).join(".")}` : "");
    const chain = [element, ...ancestors(element)].slice(0, 3).map(name).reverse().join(" ");
    let section = element;
    while (section && !section.matches?.("section[id]")) section = above(section);
    return `#${section?.id ?? ""} ${chain}`;
  }
  const words = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());

  const elements = [...all(room.shadowRoot ?? room)].filter((element) => !/^(script|style|template|title|desc|defs|slot)$/.test(element.localName) && shows(element));
  const box = new Map(elements.map((element) => [element, element.getBoundingClientRect()]));
  const area = ({ width, height }) => width > 0.5 && height > 0.5;
  const across = (one, other) => [Math.min(one.right, other.right) - Math.max(one.left, other.left), Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top)];
  const inSvg = (element) => element.ownerSVGElement != null;
  const scrolls = (element) => /auto|scroll/.test(style(element).overflowX);

  // The page itself, and what sticks out of it.
  if (document.documentElement.scrollWidth > innerWidth) found.push(["page scrolls sideways", "", "", `${document.documentElement.scrollWidth} of ${innerWidth}`]);
  for (const element of elements) {
    const at = box.get(element);
    if (!area(at) || !visible(element) || inSvg(element)) continue;
    if (at.right > innerWidth + 1 && ![...ancestors(element)].some((each) => each !== document.documentElement && each !== document.body && style(each).overflowX !== "visible")) say("wider than the page", element, `${Math.round(at.right)}`);
    if (scrolls(element) && element.scrollWidth > element.clientWidth + 1 && !element.matches("pre, code, textarea")) say("scrolls sideways", element, `${element.scrollWidth} of ${element.clientWidth}`);
    const cut = style(element).overflowX;
    if ((cut === "hidden" || cut === "clip") && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1 && element.textContent.trim()
      && ![element, ...ancestors(element)].some((each) => each.title || each.dataset?.title)) say("cut off", element, `${element.scrollWidth} of ${element.clientWidth}`);
    if (/hidden|clip/.test(style(element).overflowY) && element.scrollHeight > element.clientHeight + 2 && element.clientHeight > 1 && words(element)) say("cut off below", element, `${element.scrollHeight} of ${element.clientHeight}`);
  }

  // Siblings that lie on each other.
  for (const parent of new Set(elements.map(above))) {
    if (!parent || parent.namespaceURI?.endsWith("svg") || parent.classList?.contains("layers")) continue;
    const children = [...parent.children].filter((child) => box.has(child) && area(box.get(child)) && visible(child)
      && !/absolute|fixed|sticky/.test(style(child).position) && !/^inline$|contents/.test(style(child).display));
    for (let i = 0; i < children.length; i++) for (let k = i + 1; k < Math.min(children.length, i + 40); k++) {
      const [x, y] = across(box.get(children[i]), box.get(children[k]));
      if (x > 2 && y > 2) { say("lies on its sibling", children[i], `${where(children[k]).split(" ").slice(-2).join(" ")} by ${Math.round(x)}×${Math.round(y)}`); break; }
    }
  }

  // Pictures: words on words, words that leave them.
  for (const svg of elements.filter((element) => element.localName === "svg" && !inSvg(element))) {
    const at = box.get(svg);
    const lines = [...svg.querySelectorAll("text")].filter((text) => shows(text) && visible(text))
      .flatMap((text) => (text.querySelector("tspan") ? [...text.querySelectorAll("tspan")] : [text])).filter((line) => line.textContent.trim());
    const boxes = lines.map((line) => (line.localName === "text" ? line.getBoundingClientRect() : extent(line)));
    lines.forEach((line, i) => {
      const mine = boxes[i];
      if (!area(mine)) return;
      if (mine.left < at.left - 2 || mine.right > at.right + 2 || mine.top < at.top - 3 || mine.bottom > at.bottom + 3)
        if (style(svg).overflow === "hidden" || mine.right > innerWidth) say("words leave the picture", line);
      for (let k = i + 1; k < lines.length; k++) {
        const [x, y] = across(mine, boxes[k]);
        if (x > 2 && y > 4 && lines[k].textContent !== line.textContent) { say("words on words", line, `“${short(lines[k].textContent, 30)}” by ${Math.round(x)}×${Math.round(y)}`); break; }
      }
    });
  }
  function extent(line) {
    const range = document.createRange();
    range.selectNodeContents(line);
    return range.getBoundingClientRect();
  }

  // Letters: how small they are in the end.
  for (const element of elements) {
    if (!words(element) || !visible(element) || !area(box.get(element))) continue;
    const matrix = inSvg(element) ? element.getScreenCTM() : null;
    const size = parseFloat(style(element).fontSize) * (matrix ? Math.hypot(matrix.b, matrix.a) : 1);
    if (size < 10.9) say("small letters", element, `${size.toFixed(1)} px`);
  }

  // What fingers are to hit.
  for (const element of elements) {
    if (!element.matches("a, button, input, summary, select, [role=tab], [role=button], label")) continue;
    const at = box.get(element);
    if (!visible(element) || !area(at) || inSvg(element) || style(element).display === "inline" || element.disabled) continue;
    if (at.width < 23.5 || at.height < 23.5) say("small target", element, `${Math.round(at.width)}×${Math.round(at.height)}`);
  }

  // Rooms with nobody in them: columns of grids and of tables, boxes with a border and nothing within.
  for (const element of elements) {
    if (!visible(element) || inSvg(element)) continue;
    const { display, gridTemplateColumns } = style(element);
    if (display === "grid" && element.children.length) {
      const at = box.get(element);
      const used = [...element.children].map((child) => child.getBoundingClientRect()).filter(area);
      let x = at.left + parseFloat(style(element).paddingLeft) + parseFloat(style(element).borderLeftWidth);
      const gap = parseFloat(style(element).columnGap) || 0;
      for (const width of gridTemplateColumns.split(" ").map(parseFloat)) {
        if (width > 40 && !element.matches(".row, .seats") && !used.some((each) => Math.min(each.right, x + width) - Math.max(each.left, x) > 4)) say("empty column", element, `${Math.round(width)} px`);
        x += width + gap;
      }
    }
    if (element.localName === "table" && !element.matches(".seen-only")) {
      const rows = [...element.rows].filter((row) => row.cells.length === element.rows[0].cells.length);
      for (let n = 0; rows.length > 1 && n < rows[0].cells.length; n++) if (rows.every((row) => !row.cells[n].textContent.trim() && !row.cells[n].querySelector("svg, img, input"))) say("empty column", element, `column ${n + 1}`);
    }
    const at = box.get(element);
    const bordered = parseFloat(style(element).borderTopWidth) > 0 && parseFloat(style(element).borderLeftWidth) > 0;
    if (bordered && at.width > 60 && at.height > 30 && !element.textContent.trim() && !element.querySelector("svg, img, input, textarea") && !element.shadowRoot) say("empty box", element, `${Math.round(at.width)}×${Math.round(at.height)}`);
  }
  return found;
})
