// Before JupyterLite's own service worker, in the same file: the edition works without a network once it is kept whole.
//
// Nothing is answered from what is kept before that, so a reader never meets two editions at once; and a new edition
// waits until the last tab with the old one is closed. EDITION and FILES are written in front of this by tools/lite.
const SCOPE = new URL("./", location.href).href;
const WHOLE = `${SCOPE}whole`;

const first = !registration.active;
const skip = self.skipWaiting.bind(self);
self.skipWaiting = () => (first ? skip() : Promise.resolve());

self.addEventListener("activate", (event) => {
  const forget = async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith("k8snb-") && name !== EDITION);
    await Promise.all(old.map((name) => caches.delete(name)));
  };
  event.waitUntil(forget());
});

self.addEventListener("message", (event) => {
  if (event.data?.keep) event.waitUntil(keep(event.data.keep).then(() => event.source.postMessage({ kept: true })));
});

// Keep what every page needs, and of JupyterLab what this one has loaded.
async function keep(loaded) {
  const cache = await caches.open(EDITION);
  const parts = loaded.filter((url) => url.startsWith(`${SCOPE}build/`) || url.startsWith(`${SCOPE}extensions/`));
  for (const url of new Set([...FILES.map((name) => SCOPE + name), ...parts]))
    if (!(await cache.match(url))) await cache.add(url);
  await cache.put(WHOLE, new Response());
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || !request.url.startsWith(SCOPE)) return;
  event.stopImmediatePropagation();
  event.respondWith(answer(request));
});

async function answer(request) {
  const cache = await caches.open(EDITION);
  const find = (url) => cache.match(url, { ignoreVary: true });
  const kept = (await find(WHOLE)) && ((await find(request.url)) ?? (await find(request.url.split("?")[0])));
  return kept || fetch(request);
}
