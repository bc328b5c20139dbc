// Whether the edition for the browser stands beside the book: `make lite` writes that here.
const BUILT = false;

document.addEventListener("DOMContentLoaded", () => {
  const kind = location.protocol === "file:" ? "span" : "a";
  for (const shown of document.querySelectorAll(`.k8snb-launch ${kind}.lite`)) shown.hidden = !BUILT;
});
