// Keeps the page's shell, so that it opens without a network and can say so. Only the paths named here
// are ever answered or kept: the API, wherever it is, never passes through.
const KEPT = "wish-with-me";
const DOCUMENT = "/";
const ASSETS = "/assets/";
const BESIDE = ["/config.json", "/icon.svg", "/manifest.webmanifest"];

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(openDocument(event));
  else if (pathname.startsWith(ASSETS)) event.respondWith(asset(request));
  else if (BESIDE.includes(pathname)) event.respondWith(newest(request));
});

async function install() {
  const cache = await caches.open(KEPT);
  await Promise.all([keepDocument(await fetch(DOCUMENT, { cache: "no-cache" })), cache.addAll(BESIDE)]);
  await self.skipWaiting();
}

/** Keeps a document with the assets that it names, and none of an older one. */
async function keepDocument(answer) {
  if (!answer.ok) throw new Error(`the document was answered with ${answer.status}`);
  const text = await answer.clone().text();
  const wanted = new Set(text.match(/\/assets\/[\w.-]+/g));
  const cache = await caches.open(KEPT);
  const kept = (await cache.keys()).filter(({ url }) => new URL(url).pathname.startsWith(ASSETS));
  const paths = new Set(kept.map(({ url }) => new URL(url).pathname));
  await cache.addAll([...wanted].filter((path) => !paths.has(path)));
  await cache.put(DOCUMENT, answer);
  await Promise.all([...paths].filter((path) => !wanted.has(path)).map((path) => cache.delete(path)));
}

async function openDocument(event) {
  try {
    const answer = await fetch(event.request);
    if (answer.ok) {
      event.waitUntil(keepDocument(answer.clone()));
      return answer;
    }
    return (await caches.match(DOCUMENT)) ?? answer;
  } catch (failure) {
    return orFail(await caches.match(DOCUMENT), failure);
  }
}

async function newest(request) {
  try {
    const answer = await fetch(request);
    if (answer.ok) await (await caches.open(KEPT)).put(request, answer.clone());
    return answer;
  } catch (failure) {
    return orFail(await caches.match(request), failure);
  }
}

/** The name of an asset says its content, so the kept one is as good as any. */
async function asset(request) {
  return (await caches.match(request)) ?? fetch(request);
}

function orFail(answer, failure) {
  if (answer) return answer;
  throw failure;
}
