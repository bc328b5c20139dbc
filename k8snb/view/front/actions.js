// -- with a kernel behind it: break it now, go back, fork -----------------------------------------------------------

function actions(story, board, position, act, news) {
  const { words, frames } = story;
  const said = make("span", { class: "when", role: "status" }, news ?? "");
  const editor = make("textarea", { class: "manifest", hidden: true, rows: 14, spellcheck: "false", "aria-label": words.edit });
  const ask = (name, needs, extra = () => ({})) => make("button", {
    type: "button", class: "act",
    onclick: () => {
      if (needs && !board.id?.startsWith(needs === true ? "" : needs)) return void (said.textContent = fill(words.pinFirst, { kind: needs === true ? words.anObject : needs.slice(0, -1) }));
      said.textContent = words.working;
      act({ do: name, object: board.id ?? "", revision: frames[position.get()].revision, ...extra() });
    },
  }, words.actions[name]);
  const edit = make("button", { type: "button", class: "act", onclick: () => {
    if (!board.id) return void (said.textContent = fill(words.pinFirst, { kind: words.anObject }));
    editor.hidden = apply.hidden = !editor.hidden;
    editor.value = board.yaml(position.get());
  } }, words.edit);
  const apply = ask("apply", true, () => ({ manifest: editor.value }));
  apply.hidden = true;
  return make("div", { class: "actions", role: "group", "aria-label": words.breakIt },
    make("b", {}, words.breakIt), ask("delete", true), ask("crash", "Pod/"), ask("cordon", "Node/"), ask("partition", "Node/"), edit,
    make("b", {}, words.timeMachine), ask("rewind"), ask("fork"), ask("continue"), said, editor, apply);
}
