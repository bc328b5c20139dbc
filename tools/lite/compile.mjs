// node compile.mjs RUNTIME CACHE: compile each .py in a folder to a .pyc beside it, with the Python for browsers.
import { pathToFileURL } from "node:url";

const [runtime, cache] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${runtime}/pyodide.mjs`));
const pyodide = await loadPyodide({ indexURL: `${runtime}/` });
pyodide.FS.mkdirTree("/cache");
pyodide.mountNodeFS("/cache", cache);
pyodide.runPython(`
from importlib import _bootstrap_external as external
from importlib.util import source_hash
from pathlib import Path

for path in Path("/cache").glob("*.py"):
    source = path.read_bytes()
    try:
        code = compile(source, path.name, "exec", dont_inherit=True, optimize=0)
    except SyntaxError:
        pass  # a template of code, or for another Python
    else:
        path.with_suffix(".pyc").write_bytes(external._code_to_hash_pyc(code, source_hash(source), False))
    path.unlink()
`);
