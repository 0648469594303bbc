import { beforeEach, describe, expect, test, vi } from "vitest";
import CODE from "../public/sw.js?raw";

const ORIGIN = "https://page.example";
const PAGE = '<link href="/assets/a-1.css"><script src="/assets/a-1.js"></script>';

type Handler = (event: object) => void;
const handlers = new Map<string, Handler>();
const kept = new Map<string, Response>();
const work: Promise<unknown>[] = [];
const network = vi.fn<(address: string | Request) => Promise<Response>>();

const path = (key: string | { url: string }): string =>
  new URL(typeof key === "string" ? key : key.url, ORIGIN).pathname;
const cache = {
  keys: async () => [...kept.keys()].map((name) => ({ url: ORIGIN + name })),
  put: async (key: string | Request, answer: Response) => void kept.set(path(key), answer),
  delete: async (key: string) => kept.delete(path(key)),
  addAll: async (paths: string[]) => {
    for (const one of paths) kept.set(one, await network(one));
  },
};
const caches = { open: async () => cache, match: async (key: string | Request) => kept.get(path(key))?.clone() };

/** Hands the worker an event; what it wants to have finished before it sleeps goes to `work`. */
function happens(name: string, event: object = {}): void {
  handlers.get(name)?.({ ...event, waitUntil: (promise: Promise<unknown>) => work.push(promise) });
}

/** What the worker answers to a request of the page; nothing when it leaves it to the browser. */
async function asks(address: string, more: { method?: string; mode?: string } = {}): Promise<string | undefined> {
  let answer: Promise<Response> | undefined;
  const request = { url: new URL(address, ORIGIN).href, method: "GET", mode: "cors", ...more };
  happens("fetch", { request, respondWith: (given: Promise<Response>) => (answer = given) });
  const text = await (await answer)?.text();
  await Promise.all(work.splice(0));
  return text;
}

beforeEach(async () => {
  kept.clear();
  network.mockReset();
  network.mockImplementation(async (key) => new Response(path(key) === "/" ? PAGE : `content of ${path(key)}`));
  const self = {
    location: { origin: ORIGIN },
    addEventListener: (name: string, handler: Handler) => handlers.set(name, handler),
    skipWaiting: async () => undefined,
    clients: { claim: async () => undefined },
  };
  new Function("self", "caches", "fetch", CODE)(self, caches, network);
  happens("install");
  await Promise.all(work.splice(0));
});

const offline = (): void => void network.mockRejectedValue(new TypeError("Failed to fetch"));

describe("the shell", () => {
  test("is kept whole at the installation", () => {
    const names = ["/", "/assets/a-1.css", "/assets/a-1.js", "/config.json", "/icon.svg", "/manifest.webmanifest"];
    expect([...kept.keys()].sort()).toEqual(names);
  });

  test("opens without a network, at whatever address", async () => {
    offline();
    expect(await asks("/somewhere", { mode: "navigate" })).toBe(PAGE);
    expect(await asks("/assets/a-1.js")).toBe("content of /assets/a-1.js");
    expect(await asks("/config.json")).toBe("content of /config.json");
  });

  test("opens when the server has nothing but an error", async () => {
    network.mockResolvedValue(new Response("bad gateway", { status: 502 }));
    expect(await asks("/", { mode: "navigate" })).toBe(PAGE);
  });

  test("becomes that of the next release with the first look at it, and the last one's assets go", async () => {
    const next = PAGE.replaceAll("a-1", "b-2");
    network.mockImplementation(async (key) => new Response(typeof key === "string" ? "new" : next));
    expect(await asks("/", { mode: "navigate" })).toBe(next);
    expect(kept.has("/assets/a-1.js")).toBe(false);
    offline();
    expect(await asks("/", { mode: "navigate" })).toBe(next);
    expect(await asks("/assets/b-2.js")).toBe("new");
  });

  test("asks for the settings each time there is a network", async () => {
    network.mockResolvedValue(new Response("moved"));
    expect(await asks("/config.json")).toBe("moved");
    offline();
    expect(await asks("/config.json")).toBe("moved");
  });
});

describe("the API is never answered nor kept", () => {
  test.each([
    ["https://api.example/api/v1/wishlists", {}],
    ["https://api.example/api/v1/events/stream?token=secret", {}],
    ["https://api.example/config.json", {}],
    ["/api/v1/wishlists", {}],
    ["/api/v1/auth/login", { method: "POST" }],
    ["/config.json", { method: "POST" }],
  ])("%s %j", async (address, more) => {
    const before = [...kept.keys()];
    network.mockClear();
    expect(await asks(address, more)).toBeUndefined();
    expect([network.mock.calls.length, [...kept.keys()]]).toEqual([0, before]);
  });
});
