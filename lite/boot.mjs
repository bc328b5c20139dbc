// What the kernel's worker loads in the place of Pyodide: Pyodide, and Graphviz beside it, so that a diagram that is
// made in a cell is laid out before the cell is done.
import { loadPyodide as load } from "./pyodide.mjs";
import { instance } from "./viz.js";

export async function loadPyodide(options) {
  const [pyodide, graphviz] = await Promise.all([load(options), instance()]);
  pyodide.registerJsModule("k8snb_graphviz", {
    svg: (dot) => graphviz.renderString(dot, { format: "svg" }),
  });
  return pyodide;
}
