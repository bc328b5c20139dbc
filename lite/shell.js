// On the page of JupyterLab: a line that says how far the kernel is, room on a phone, and the edition kept for times
// without a network once there is nothing else to do.
(() => {
  const QUIET = 15_000; // milliseconds between two looks at whether the kernel is idle
  performance.setResourceTimingBufferSize(1000);

  const line = document.createElement("div");
  line.id = "k8snb-kernel";
  line.setAttribute("role", "status");
  line.hidden = true;
  line.innerHTML = "<span></span><progress></progress>";
  const [words, bar] = line.children;
  document.addEventListener("DOMContentLoaded", () => document.body.append(line));

  const tell = (text, value, max) => {
    words.textContent = text;
    bar.hidden = max === undefined;
    if (max) [bar.max, bar.value] = [max, value];
    line.hidden = !text;
  };
  const say = (text) => {
    tell(text);
    setTimeout(() => words.textContent === text && tell(""), 6000);
  };

  new BroadcastChannel("k8snb-kernel").onmessage = ({ data }) => {
    if (data.failed) tell(`Python could not be started: ${data.failed}`);
    else if (data.ready) say("Python is ready: Shift Enter runs a cell");
    else if (data.here === 0) tell("Python is on its way to your browser …", 0, data.of);
    else tell(`Python is starting: ${data.here} of ${data.of} packages`, data.here, data.of);
  };

  const pause = (milliseconds) => new Promise((next) => setTimeout(next, milliseconds));
  const makeRoom = async () => {
    while (!window.jupyterapp?.shell?.currentWidget) await pause(200);
    const app = jupyterapp;
    document.title = "Kubernetes, taken apart";
    if (innerWidth > 760) return;
    app.shell.mode = "single-document";
    await app.commands.execute("application:toggle-side-tabbar", { side: "right" });
    app.shell.collapseRight();
    // JupyterLab shows its list of files once or twice while it starts; the reader's first touch ends this.
    let touched = false;
    addEventListener("pointerdown", () => (touched = true), { once: true, capture: true });
    for (const begun = performance.now(); !touched && performance.now() - begun < 30_000; await pause(200))
      if (!app.shell.leftCollapsed) app.shell.collapseLeft();
  };
  makeRoom();

  // The look that the reader chose for the book is taken over, once for each choice; what is chosen here stays.
  const takeLook = async () => {
    const chosen = localStorage.getItem("mode") || "auto";
    if ((localStorage.getItem("k8snb-look") ?? "auto") === chosen) return;
    while (!window.jupyterapp?.commands?.hasCommand("apputils:change-theme")) await pause(200);
    await jupyterapp.restored;
    const { commands } = jupyterapp;
    const follows = () => commands.isToggled("apputils:adaptive-theme");
    if (follows() !== (chosen === "auto")) await commands.execute("apputils:adaptive-theme");
    while (follows() !== (chosen === "auto")) await pause(100); // it says that it is done before it is
    if (chosen !== "auto") await commands.execute("apputils:change-theme", { theme: `JupyterLab ${chosen === "dark" ? "Dark" : "Light"}` });
    localStorage.setItem("k8snb-look", chosen);
  };
  takeLook();

  const idle = () => {
    const open = [...(window.jupyterapp?.shell?.widgets("main") ?? [])];
    return open.some((each) => each.sessionContext?.session?.kernel?.status === "idle");
  };
  let quiet = 0;
  const looking = setInterval(async () => {
    quiet = idle() ? quiet + 1 : 0;
    if (quiet < 2 || !navigator.serviceWorker) return;
    clearInterval(looking);
    const { active } = await navigator.serviceWorker.ready;
    navigator.serviceWorker.addEventListener("message", ({ data }) => {
      if (data.kept) say("From now on this also works without a network");
    });
    active.postMessage({ keep: performance.getEntriesByType("resource").map((each) => each.name) });
  }, QUIET);
})();
