// node kernel.mjs SITE PAGE...: run the code cells of pages, one page after the other, in the kernel of the built edition,
// without JupyterLab and without a browser. Prints a line of JSON for each: what its cells have put out, and seconds.
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const [site, ...pages] = process.argv.slice(2);
const runtime = join(site, "static", "pyodide");
const settings = JSON.parse(readFileSync(join(site, "jupyter-lite.json")))["jupyter-config-data"];
const { loadPyodideOptions: options } = settings.litePluginSettings["@jupyterlite/pyodide-kernel-extension:kernel"];

const begun = performance.now();
const { loadPyodide } = await import(pathToFileURL(join(runtime, "boot.mjs")));
const pyodide = await loadPyodide({ indexURL: `${runtime}/`, stdout() {}, ...options });

// The files as a reader has them; what a page writes does not stay.
const files = mkdtempSync(join(tmpdir(), "k8snb-lite-"));
cpSync(join(site, "files"), files, { recursive: true });
pyodide.FS.mkdirTree("/drive");
pyodide.mountNodeFS("/drive", files);

pyodide.runPython("import pyodide_kernel");
const kernel = pyodide.globals.get("pyodide_kernel");
const { interpreter } = kernel.kernel_instance;
const plain = (value) => value?.toJs?.({ dict_converter: Object.fromEntries }) ?? value;
let outputs = [];
const shown = (data) => outputs.push({ output_type: "display_data", data: plain(data) });
for (const stream of [kernel.stdout_stream, kernel.stderr_stream])
  stream.publish_stream_callback = (name, text) => outputs.push({ output_type: "stream", name, text });
interpreter.display_pub.display_data_callback = shown;
interpreter.display_pub.update_display_data_callback = shown;
interpreter.displayhook.publish_execution_result = (count, data) => shown(data);
interpreter.send_comm = () => {};
kernel.kernel_instance._parent_header = pyodide.toPy({ header: {} });

// What a cell has put out, as in a notebook.
async function run(source) {
  outputs = [];
  const result = plain(await kernel.kernel_instance.run(source));
  if (result.status === "error") outputs.push({ output_type: "error", ...result });
  return { cell_type: "code", outputs };
}

const seconds = (since) => Math.round(performance.now() - since) / 1000;
let since = begun;
for (const page of pages) {
  const notebook = JSON.parse(readFileSync(join(site, "files", page)));
  pyodide.FS.chdir(join("/drive", dirname(page)));
  const started = seconds(since);
  since = performance.now();
  const cells = [];
  for (const { cell_type, source } of notebook.cells)
    if (cell_type === "code") cells.push(await run([source].flat().join("")));
  process.stdout.write(JSON.stringify({ page, started, seconds: seconds(since), cells }) + "\n");
  since = performance.now();
  interpreter.extension_manager.loaded.clear();
  interpreter.reset();
}
rmSync(files, { recursive: true });
process.stdout.write("", () => process.exit(0));
