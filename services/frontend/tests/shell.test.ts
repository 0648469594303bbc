import { beforeEach, describe, expect, test, vi } from "vitest";
import CODE from "../src/sw.js?raw";

const ORIGIN = "https://page.example";
const PAGE = '<link href="/assets/a-1.css"><script src="/assets/a-1.js"></script>';
const FILES = { "/index.html": "sha256-page", "/assets/a-1.css": "sha256-css", "/assets/a-1.js": "sha256-js" };
const BESIDE = ["/config.json", "/icon.svg", "/manifest.webmanifest"];
const TYPES: Record<string, string> = {
  "/index.html": "text/html; charset=utf-8",
  "/assets/a-1.css": "text/css",
  "/assets/a-1.js": "text/javascript; charset=utf-8",
  "/config.json": "application/json",
  "/icon.svg": "image/svg+xml",
  "/manifest.webmanifest": "application/manifest+json",
};
const OWN = "wish-with-me sha256-page";

type Handler = (event: object) => void;
const handlers = new Map<string, Handler>();
const stores = new Map<string, Map<string, Response>>();
const work: Promise<unknown>[] = [];
const network = vi.fn<(address: string | Request, how?: RequestInit) => Promise<Response>>();

const path = (key: string | { url: string }): string =>
  new URL(typeof key === "string" ? key : key.url, ORIGIN).pathname;
const store = (name: string): Map<string, Response> => {
  const found = stores.get(name) ?? new Map<string, Response>();
  stores.set(name, found);
  return found;
};
const caches = {
  keys: async () => [...stores.keys()],
  delete: async (name: string) => stores.delete(name),
  open: async (name: string) => ({
    put: async (key: string | Request, answer: Response) => void store(name).set(path(key), answer),
    match: async (key: string | Request) => store(name).get(path(key))?.clone(),
  }),
};

/** Hands the worker an event; what it wants to have finished before it sleeps goes to `work`. */
function happens(name: string, event: object = {}): void {
  handlers.get(name)?.({ ...event, waitUntil: (promise: Promise<unknown>) => work.push(promise) });
}

async function settled(): Promise<void> {
  await Promise.all(work.splice(0));
}

/** What the worker answers to a request of the page; nothing when it leaves it to the browser. */
async function asks(address: string, more: { method?: string; mode?: string } = {}): Promise<string | undefined> {
  let answer: Promise<Response> | undefined;
  const request = { url: new URL(address, ORIGIN).href, method: "GET", mode: "cors", ...more };
  happens("fetch", { request, respondWith: (given: Promise<Response>) => (answer = given) });
  const text = await (await answer)?.text();
  await settled();
  return text;
}

const opens = (address: string): Promise<string | undefined> => asks(address, { mode: "navigate" });

function answer(key: string | Request, body?: string, status = 200): Response {
  const at = path(key);
  const text = body ?? (at === "/index.html" || at === "/" ? PAGE : `content of ${at}`);
  return new Response(text, { status, headers: { "Content-Type": TYPES[at] ?? "text/html" } });
}

function begins(): void {
  handlers.clear();
  const self = {
    location: { origin: ORIGIN },
    addEventListener: (name: string, handler: Handler) => handlers.set(name, handler),
    skipWaiting: async () => undefined,
    clients: { claim: async () => undefined },
  };
  const code = CODE.replace("const FILES = __FILES__", `const FILES = ${JSON.stringify(FILES)}`);
  new Function("self", "caches", "fetch", code)(self, caches, network);
}

const shell = (): string[] => [...store(OWN).keys()].sort();

beforeEach(async () => {
  stores.clear();
  network.mockReset();
  network.mockImplementation(async (key) => answer(key));
  begins();
  happens("install");
  await settled();
});

const offline = (): void => void network.mockRejectedValue(new TypeError("Failed to fetch"));

describe("the shell", () => {
  test("is what the build made, checksum by checksum, and what stands beside it", () => {
    expect(shell()).toEqual([...Object.keys(FILES), ...BESIDE].sort());
    const asked = new Map(network.mock.calls.map(([key, how]) => [path(key), how?.integrity]));
    for (const [name, checksum] of Object.entries(FILES)) expect(asked.get(name)).toBe(checksum);
  });

  test("opens without a network, at whatever address of the page", async () => {
    offline();
    expect(await opens("/somewhere")).toBe(PAGE);
    expect(await asks("/assets/a-1.js")).toBe("content of /assets/a-1.js");
    expect(await asks("/config.json")).toBe("content of /config.json");
  });

  test.each([500, 502, 503])("opens when the server has nothing but a %d", async (status) => {
    network.mockImplementation(async (key) => answer(key, "bad gateway", status));
    expect(await opens("/")).toBe(PAGE);
  });

  test.each([
    ["/", 200, "another page"],
    ["/somewhere", 200, "another page"],
    ["/config.json", 200, "{}"],
    ["/missing", 404, "not found"],
    ["/", 403, "log in to this network"],
  ])("never becomes what is navigated to: %s with %d", async (address, status, body) => {
    network.mockImplementation(async (key) => answer(key, body, status));
    expect(await opens(address)).toBe(body);
    offline();
    expect(await opens("/")).toBe(PAGE);
    expect(await opens(address)).toBe(PAGE);
  });

  test.each(["/health", "/api/v1/wishlists", "/.well-known/acme-challenge/x"])("leaves %s to its server", async (address) => {
    network.mockClear();
    expect(await opens(address)).toBeUndefined();
    expect(network.mock.calls).toEqual([]);
  });

  test("asks for the settings each time there is a network", async () => {
    network.mockImplementation(async (key) => answer(key, "moved"));
    expect(await asks("/config.json")).toBe("moved");
    offline();
    expect(await asks("/config.json")).toBe("moved");
  });

  test.each([
    [502, "application/json"],
    [200, "text/html"],
    [204, "application/json"],
  ])("does not take a %d of type %s for the settings", async (status, type) => {
    const body = status === 204 ? null : "<html>";
    network.mockImplementation(async () => new Response(body, { status, headers: { "Content-Type": type } }));
    expect(await asks("/config.json")).toBe("content of /config.json");
    offline();
    expect(await asks("/config.json")).toBe("content of /config.json");
  });
});

describe("a worker is not installed, and no half of its shell kept,", () => {
  const wrong: [string, (at: string) => Response | undefined][] = [
    ["a document is an error", (at) => (at === "/index.html" ? answer(at, "gone", 502) : undefined)],
    ["a document is nothing", (at) => (at === "/index.html" ? new Response(null, { status: 204 }) : undefined)],
    ["a document is of another type", (at) => (at === "/index.html" ? new Response(PAGE) : undefined)],
    ["an asset is a page", (at) => (at === "/assets/a-1.js" ? answer("/", PAGE) : undefined)],
    ["the settings are missing", (at) => (at === "/config.json" ? answer(at, "", 404) : undefined)],
  ];
  test.each(wrong)("when %s", async (_, instead) => {
    stores.clear();
    network.mockImplementation(async (key) => instead(path(key)) ?? answer(key));
    begins();
    happens("install");
    await expect(settled()).rejects.toThrow("was answered with");
    expect(stores.size).toBe(0);
  });

  test("when a file is of another build", async () => {
    stores.clear();
    network.mockRejectedValueOnce(new TypeError("Failed integrity metadata check"));
    begins();
    happens("install");
    await expect(settled()).rejects.toThrow("integrity");
    expect(stores.size).toBe(0);
  });
});

test("what earlier workers kept goes when this one takes over, and nothing of others", async () => {
  for (const name of ["wish-with-me", "wish-with-me sha256-former", "another"]) store(name).set("/", answer("/health"));
  happens("activate");
  await settled();
  expect([...stores.keys()].sort()).toEqual(["another", OWN]);
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
    const before = shell();
    network.mockClear();
    expect(await asks(address, more)).toBeUndefined();
    expect([network.mock.calls.length, shell()]).toEqual([0, before]);
  });
});
