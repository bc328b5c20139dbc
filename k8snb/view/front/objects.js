// -- objects: whole, at every frame --------------------------------------------------------------------------------

/** The story with its table of repetitions put back in (`packing.py` is the other half). */
function unpack(story) {
  if (!story.shared) return story;
  const { shared, ...rest } = story;
  const made = [];
  const whole = (value) => {
    if (value === null || typeof value !== "object") return value;
    if (value["@"] !== undefined) return made[value["@"]];
    return Array.isArray(value) ? value.map(whole) : Object.fromEntries(Object.entries(value).map(([name, each]) => [name, whole(each)]));
  };
  for (const each of shared) made.push(whole(each));
  return whole(rest);
}

/** A value changed by a difference (`history.py` says how it is written); what does not change is shared. */
function changed(value, by) {
  if (by === null || typeof by !== "object") return by;
  if ("=" in by) return by["="];
  if ("+" in by) return [...value, ...by["+"]];
  const list = Array.isArray(value) && "#" in by;
  const copy = list ? [...value] : { ...value };
  for (const [name, each] of Object.entries(list ? by["#"] : by)) {
    if (each === null && !list) delete copy[name];
    else copy[name] = changed(copy[name] ?? {}, each);
  }
  return copy;
}

/** Every version of every object: id -> [[frame, object or null], …] in order. */
function versionsOf(frames) {
  const versions = new Map();
  const newest = new Map();
  const note = (id, i, object) => {
    newest.set(id, object);
    (versions.get(id) ?? versions.set(id, []).get(id)).push([i, object]);
  };
  frames.forEach((frame, i) => {
    for (const [id, said] of Object.entries(frame.objects ?? {}))
      note(id, i, Array.isArray(said) ? changed(newest.get(said[0]) ?? {}, said[1]) : changed(newest.get(id), said));
    for (const id of frame.gone ?? []) if (versions.has(id)) versions.get(id).push([i, null]);
  });
  return versions;
}

/** The version of an object at a frame, and the one before it; null where there was none. */
function versionAt(versions, id, now) {
  let [here, before] = [null, null];
  for (const [i, object] of versions.get(id) ?? []) {
    if (i > now) break;
    [here, before] = [{ i, object }, here];
  }
  return { object: here?.object ?? null, since: here?.i ?? 0, before: before?.object ?? null };
}

const ORDER = ["apiVersion", "kind", "metadata", "spec", "status"];
const PLAIN = /^(?![-?:,[\]{}#&*!|>'"%@`\s]|(true|false|null|yes|no|on|off|~)$|[-+.\d][\d._]*(e[-+]?\d+)?$|0[xo])[^\n]*[^\s:]$/i;

/** A scalar as YAML has it. */
function scalar(value) {
  if (typeof value !== "string") return value === null ? "null" : JSON.stringify(value);
  return PLAIN.test(value) && !value.includes(": ") && !value.includes(" #") ? value : JSON.stringify(value);
}

/** An object as lines of YAML: `[path, indentation and text]`. */
function yamlLines(value, path = "", depth = 0, lines = []) {
  const pad = "  ".repeat(depth);
  const nested = (each) => each !== null && typeof each === "object" && Object.keys(each).length > 0;
  const empty = (each) => (Array.isArray(each) ? "[]" : each !== null && typeof each === "object" ? "{}" : scalar(each));
  if (Array.isArray(value)) {
    value.forEach((each, i) => {
      const here = `${path}[${each?.name ?? each?.type ?? i}]`;
      if (!nested(each)) return lines.push([here, `${pad}- ${empty(each)}`]);
      const at = lines.length;
      yamlLines(each, here, depth + 1, lines);
      if (lines[at]) lines[at] = [lines[at][0], `${pad}- ${lines[at][1].slice(pad.length + 2)}`];
    });
    return lines;
  }
  const known = depth === 0 ? ORDER.filter((name) => name in value) : [];
  const names = [...known, ...Object.keys(value).filter((name) => !known.includes(name))];
  for (const name of names) {
    const [each, here] = [value[name], `${path}.${name}`];
    if (!nested(each)) lines.push([here, `${pad}${scalar(name)}: ${empty(each)}`]);
    else {
      lines.push([here, `${pad}${scalar(name)}:`]);
      yamlLines(each, here, Array.isArray(each) ? depth : depth + 1, lines);
    }
  }
  return lines;
}
