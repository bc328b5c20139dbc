// -- where it stands -------------------------------------------------------------------------------------------------

/** The custom element: its story is the JSON inside it; its other content is for paper and for where no script runs. */
function define(tag) {
  customElements.define(tag, class extends HTMLElement {
    connectedCallback() {
      if (this.mounted) return;
      // While a page is still being read, the story may be there in part; room is kept for it, so that nothing jumps.
      if (!this.shadowRoot) this.attachShadow({ mode: "open" }).innerHTML = "<style>:host{display:block;min-height:480px}</style>";
      const source = this.querySelector('script[type="application/json"]');
      const read = document.readyState !== "loading" || this.nextElementSibling;
      if (!source || !read) return void requestAnimationFrame(() => this.isConnected && this.connectedCallback());
      this.mounted = true;
      const story = JSON.parse(source.textContent);
      if (!story.frames.length) return void (this.shadowRoot.innerHTML = "<slot></slot>");
      let index = 0;
      const listeners = [];
      const position = {
        get: () => index,
        set: (value) => { index = value; listeners.forEach((listener) => listener()); },
        listen: (listener) => listeners.push(listener),
      };
      const number = [...document.querySelectorAll(tag)].indexOf(this) + 1;
      mount(this, story, position, { link: (i) => `#step=${number > 1 ? `${number}:` : ""}${i + 1}` });
      const follow = () => {
        const [, which, step] = /^#step=(?:(\d+):)?(\d+)$/.exec(location.hash) ?? [];
        if (!step || +(which ?? 1) !== number) return;
        position.set(Math.min(+step, story.frames.length) - 1);
        this.scrollIntoView();
      };
      addEventListener("hashchange", follow);
      follow();
    }
  });
  // What a page does when somebody clicks anywhere is to close its menus; before, it looks all over itself for what
  // might have been clicked. So it hears of clicks within only where a menu is open.
  const menus = document.getElementsByClassName("show");
  addEventListener("click", (event) => {
    if (event.target.localName !== tag || menus.length) return;
    event.stopPropagation();
    event.composedPath()[0].dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, detail: event.detail }));
  }, true);
}

/** The widget: the position is the model's, so the kernel knows it and may set it; a new story starts afresh there. */
function render({ model, el }) {
  let listener = () => {};
  model.on("change:index", () => listener());
  const act = (side) => (model.get("acts") ? (message) => model.send({ ...message, side }) : undefined);
  const show = () => {
    const [story, other] = [model.get("story"), model.get("other")];
    const host = make("div", { class: "k8snb-view" });
    el.replaceChildren(host);
    if (!story.frames.length) return;
    mount(host, story, {
      get: () => Math.min(model.get("index"), story.frames.length - 1),
      set: (value) => { model.set("index", value); model.save_changes(); },
      listen: (call) => { listener = call; },
    }, { act: act("here"), said: model.get("said") });
    if (!other?.frames?.length) return;
    let index = other.frames.length - 1;
    let follow = () => {};
    const twin = make("div", { class: "k8snb-view" });
    const { words } = unpack(story);
    const cells = (name, values) => make("tr", {}, values.map((value) => make(name, {}, value)));
    el.append(make("h4", {}, words.otherFuture), twin, make("h4", {}, words.futures),
      make("table", {}, cells("th", ["", words.thisFuture, words.otherFuture]), model.get("compared").map((row) => cells("td", row))));
    mount(twin, other, {
      get: () => index,
      set: (value) => { index = value; follow(); },
      listen: (call) => { follow = call; },
    }, { act: act("there") });
  };
  model.on("change:story change:other change:said", show);
  show();
}

export default { render, define };
