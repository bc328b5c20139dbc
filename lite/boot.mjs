// What the kernel's worker loads in the place of Pyodide: Pyodide, and Graphviz beside it, so that a diagram that is
// made in a cell is laid out before the cell is done. The page is told how far it is (shell.js).
import { loadPyodide as load } from "./pyodide.mjs";
import { instance } from "./viz.mjs";

const WARM_UP = 1000; // milliseconds after the kernel is there, when it surely waits for the reader

export async function loadPyodide(options) {
  const page = new BroadcastChannel("k8snb-kernel");
  const usual = globalThis.fetch;
  const of = options.packages.length;
  let here = 0;
  page.postMessage({ here, of });
  globalThis.fetch = async (...asked) => {
    const answer = await usual(...asked);
    if (answer.url.endsWith(".whl")) page.postMessage({ here: ++here, of });
    return answer;
  };
  try {
    const pyodide = await started(options);
    page.postMessage({ ready: true });
    return pyodide;
  } catch (error) {
    page.postMessage({ failed: String(error) });
    throw error;
  } finally {
    globalThis.fetch = usual;
    page.close();
  }
}

async function started(options) {
  const [pyodide, graphviz] = await Promise.all([load(options), instance()]);
  pyodide.registerJsModule("k8snb_graphviz", {
    svg: (dot) => graphviz.renderString(dot, { format: "svg" }),
  });
  const ours = pyodide.pyimport("k8snb_lite");
  ours.mend();
  setTimeout(() => ours.warm_up(), WARM_UP);
  return pyodide;
}
