// Keeps the page's shell, so that it opens without a network and can say so. The shell is what this build
// made, checksum by checksum: what is navigated to is never kept, and the API never passes through.
/* global __FILES__ */
/** Path and checksum of each file of this build; vite.config.ts writes them here. */
const FILES = __FILES__;
const DOCUMENT = "/index.html";
/** Not of the build: where the page runs decides about the first, and the others have fixed names. */
const BESIDE = ["/config.json", "/icon.svg", "/manifest.webmanifest"];
const TYPES = {
  html: "text/html",
  js: "text/javascript",
  css: "text/css",
  json: "application/json",
  svg: "image/svg+xml",
  webmanifest: "application/manifest+json",
};
/** Addresses that are the servers' own, also for a person who opens one. */
const THEIRS = /^\/(api\/|\.well-known\/|health$)/;
const NAME = "wish-with-me";
const KEPT = `${NAME} ${FILES[DOCUMENT]}`;

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin || THEIRS.test(pathname)) return;
  if (request.mode === "navigate") event.respondWith(openDocument(request));
  else if (BESIDE.includes(pathname)) event.respondWith(newest(request, pathname));
  else if (pathname in FILES) event.respondWith(file(request, pathname));
});

/** All or nothing: half a shell would open as a blank page. */
async function install() {
  const paths = [...Object.keys(FILES), ...BESIDE];
  const answers = await Promise.all(paths.map(own));
  const cache = await caches.open(KEPT);
  await Promise.all(paths.map((path, at) => cache.put(path, answers[at])));
  await self.skipWaiting();
}

async function activate() {
  const former = (await caches.keys()).filter((name) => name.startsWith(NAME) && name !== KEPT);
  await Promise.all(former.map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function own(path) {
  const answer = await fetch(path, { integrity: FILES[path], cache: "no-cache" });
  if (!isOf(path, answer)) throw new Error(`${path} was answered with ${answer.status}, or as another thing`);
  return answer;
}

/** Whether an answer is what stands at this path, and no error, redirection or somebody's log-in page. */
function isOf(path, answer) {
  const type = answer.headers.get("Content-Type") ?? "";
  return answer.status === 200 && !answer.redirected && type.startsWith(TYPES[path.split(".").pop()]);
}

async function openDocument(request) {
  try {
    const answer = await fetch(request);
    return answer.status < 500 ? answer : ((await kept(DOCUMENT)) ?? answer);
  } catch (failure) {
    return orFail(await kept(DOCUMENT), failure);
  }
}

async function newest(request, path) {
  try {
    const answer = await fetch(request);
    if (!isOf(path, answer)) return (await kept(path)) ?? answer;
    await (await caches.open(KEPT)).put(path, answer.clone());
    return answer;
  } catch (failure) {
    return orFail(await kept(path), failure);
  }
}

async function file(request, path) {
  return (await kept(path)) ?? fetch(request);
}

async function kept(path) {
  return (await caches.open(KEPT)).match(path);
}

function orFail(answer, failure) {
  if (answer) return answer;
  throw failure;
}
