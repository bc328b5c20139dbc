// The contrast of every word of a page, in shadow trees and in pictures too, as WCAG 2.2 defines it (1.4.3).
//
// A pixel of a word and a pixel beside it are worked out from the inside to the outside: what an element stands in lies
// behind it, and its opacity holds for both. What lies behind a word without holding it, as below the chips of
// a stepper, is asked of the browser (`elementsFromPoint`); in a picture, which shapes were painted before the
// word and have its middle or one of its ends inside.
//
// Words on an image have no one colour behind them and are left out, as are words that something covers. What this
// cannot work out but can change a contrast, such as a filter, counts as found.
every => {
  const NEEDED = 4.5, LARGE = 3, styles = new Map(), found = new Map(), all = [];

  // -- colours: red, green and blue from 0 to 1, multiplied by the fourth, how much of it there is

  const colour = words => {
    const [red, green, blue, alpha = 1] = (words.match(/-?[\d.]+(e-?\d+)?/g) ?? []).map(Number);
    const most = words.startsWith('rgb') ? 255 : 1;
    if (!/^(rgba?|color)\((srgb )?[-\d]/.test(words)) return null;
    return [red * alpha / most, green * alpha / most, blue * alpha / most, alpha];
  };
  const over = (front, back) => front.map((part, i) => part + back[i] * (1 - front[3]));
  const times = (one, share) => one.map(part => part * share);
  const linear = part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const light = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const ratio = (one, other) => {
    const [darker, lighter] = [light(one), light(other)].sort((a, b) => a - b);
    return (lighter + 0.05) / (darker + 0.05);
  };
  const hex = ([red, green, blue]) =>
    '#' + [red, green, blue].map(part => Math.round(255 * part).toString(16).padStart(2, '0')).join('');

  // -- elements

  const around = element => element.assignedSlot ?? element.parentElement ?? element.getRootNode().host;
  const style = element => {
    if (!styles.has(element)) {
      const computed = getComputedStyle(element);
      styles.set(element, {
        computed,
        back: colour(computed.backgroundColor),
        opacity: Number(computed.opacity),
        image: computed.backgroundImage !== 'none',
        strange: computed.filter !== 'none' || computed.mixBlendMode !== 'normal',
      });
    }
    return styles.get(element);
  };
  const chain = element => {
    const outwards = [];
    for (let each = element; each; each = around(each)) outwards.push(each);
    return outwards;
  };
  const layer = element => [element, style(element).back ?? [0, 0, 0, 0], style(element).opacity];
  const solid = element => { const { back, image } = style(element); return image || !back || back[3] > 0; };

  const probe = document.body.appendChild(document.createElement('i'));
  probe.style.background = 'Canvas';
  const canvas = colour(getComputedStyle(probe).backgroundColor);
  probe.remove();

  // -- what is said of a word

  const judge = (element, fore, layers, size) => {
    const strange = layers.some(([each]) => style(each).strange);
    const unclear = strange ? 'a filter or a blend mode' : fore ? '' : 'its colour';
    let word = fore ?? canvas, beside = [0, 0, 0, 0];
    for (const [each, back, opacity] of layers) {
      word = times(over(word, back), opacity);
      beside = times(over(beside, back), opacity);
      if (!unclear && each && style(each).image && beside[3] < 1) return;
    }
    [word, beside] = [over(word, canvas), over(beside, canvas)];
    const { computed } = style(element), bold = Number(computed.fontWeight) >= 700;
    const needed = size >= 24 || (bold && size >= 56 / 3) ? LARGE : NEEDED, has = ratio(word, beside);
    if (every) all.push([element, has]);
    if (!unclear && has >= needed) return;
    const names = chain(element).slice(0, 3).map(each => [each.localName, ...each.classList].join('.'));
    const said = unclear ? `${unclear} hides the contrast`
      : `${hex(word)} on ${hex(beside)} has a contrast of ${Math.floor(has * 100) / 100}, not ${needed}`;
    found.set(`${names.reverse().join(' ')}: ${said}`, element.textContent.trim().slice(0, 40));
  };

  // -- words in HTML

  const boxes = [], texts = [], pictures = [];
  const places = nodes => nodes.flatMap(node => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return [...range.getClientRects()].filter(each => each.width > 1 && each.height > 1);
  });
  const words = node => node.nodeType === 3 && /[^\s\p{S}\p{Co}]/u.test(node.data);  // no symbols or icons alone
  const said = element => [...element.childNodes].filter(words);
  const seen = element => element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const OFF = ':disabled, [aria-disabled=true], label:has(:disabled)', FIELD = 'input, select, textarea';
  const UNTOLD = '[type=range], [type=checkbox], [type=radio]';
  const disabled = element => chain(element).some(each => each.matches(OFF));

  const walk = root => {
    for (const element of root.querySelectorAll('*')) {
      if (element.closest('head, script, style, noscript, template') || element.ownerSVGElement) continue;
      if (element.localName === 'svg') { if (seen(element)) pictures.push(element); continue; }
      if (element.shadowRoot) walk(element.shadowRoot);
      if (!seen(element)) continue;
      if (element !== document.body && solid(element)) boxes.push([element, element.getBoundingClientRect()]);
      const nodes = said(element), field = element.matches(FIELD) && !element.matches(UNTOLD);
      if (field || nodes.length) texts.push([element, field ? [...element.getClientRects()] : places(nodes)]);
    }
  };
  walk(document);

  const meets = (one, other) => one.top < other.bottom - 1 && other.top < one.bottom - 1
    && one.left < other.right - 1 && other.left < one.right - 1;
  const hit = (x, y, root = document) => root.elementsFromPoint(x, y)
    .flatMap(each => each.shadowRoot && root !== each.shadowRoot ? [...hit(x, y, each.shadowRoot), each] : [each])
    .filter((each, i, alike) => alike.indexOf(each) === i);

  /** What lies behind a word, from the inside out, where boxes are that do not hold it; null where one hides it. */
  const stacked = (element, outwards) => {
    const before = outwards.map(each => [each, each.scrollLeft, each.scrollTop]);
    element.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
    const points = places(said(element)).flatMap(({ left, top, width, height }) =>
      [0.5, 0.1, 0.9].map(share => [left + share * width, top + height / 2]));
    const open = stack => stack.includes(element) && !stack.slice(0, stack.indexOf(element)).some(solid);
    const stack = points.slice(0, 12).map(([x, y]) => hit(x, y).filter(seen)).find(open);
    for (const [each, left, top] of before) each.scrollTo({ left, top, behavior: 'instant' });
    if (!stack) return null;
    const layers = [...outwards];
    for (const each of stack.slice(stack.indexOf(element)).filter(each => !outwards.includes(each))) {
      const next = stack.slice(stack.indexOf(each)).find(other => outwards.includes(other));
      layers.splice(next ? layers.indexOf(next) : layers.length, 0, each);
    }
    return layers;
  };

  for (const [element, rectangles] of texts) {
    if (!rectangles.length || disabled(element)) continue;
    const outwards = chain(element), inside = new Set(outwards);
    const alone = rectangles.some(each => !boxes.some(([box, place]) => meets(each, place) && !inside.has(box)));
    const layers = alone ? outwards : stacked(element, outwards);
    const { computed } = style(element);
    if (layers) judge(element, colour(computed.webkitTextFillColor), layers.map(layer), parseFloat(computed.fontSize));
  }

  // -- words in pictures

  const painted = svg => [...svg.querySelectorAll('path, polygon, ellipse, circle, rect')].filter(shape =>
    !shape.closest('defs, marker, clipPath, mask, pattern, symbol') && getComputedStyle(shape).fill !== 'none');
  const filled = element => {
    const computed = getComputedStyle(element), fill = colour(computed.fill);
    let share = Number(computed.fillOpacity);
    for (let each = element; each.ownerSVGElement; each = each.parentElement) share *= style(each).opacity;
    return fill && times(fill, share);
  };
  const within = (shape, x, y) => new DOMPoint(x, y).matrixTransform(shape.getScreenCTM().inverse());
  const holds = (shape, x, y) => shape.isPointInFill(within(shape, x, y));

  for (const svg of pictures) {
    const outside = chain(svg).map(layer);
    const shapes = painted(svg).map(shape => [shape, shape.getBoundingClientRect(), filled(shape)]);
    for (const text of svg.querySelectorAll('text, tspan')) {
      const nodes = said(text);
      if (!nodes.length || getComputedStyle(text).fill === 'none' || !seen(text)) continue;
      const scale = Math.abs(text.getScreenCTM().a) || Math.abs(text.getScreenCTM().b);
      for (const place of places(nodes)) {
        const y = place.top + place.height / 2;
        for (const x of [0.1, 0.5, 0.9].map(share => place.left + share * place.width)) {
          const behind = shapes.filter(([shape, { left, right, top, bottom }]) => left <= x && x <= right && top <= y
            && y <= bottom && shape.compareDocumentPosition(text) & 4 && holds(shape, x, y)).reverse();
          const layers = [...behind.map(([shape, , fill]) => [shape, fill ?? [0, 0, 0, 0], 1]), ...outside];
          judge(text, filled(text), layers, scale * parseFloat(style(text).computed.fontSize));
        }
      }
    }
  }
  return every ? all : [...found].map(([what, words]) => `${what}: ${words}`);
}
