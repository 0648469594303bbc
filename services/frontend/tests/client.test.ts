import { afterEach, describe, expect, test, vi } from "vitest";
import { API, clientOf, json } from "./fakes";

const ME = "/api/v1/auth/me";
const REFUSED = (): Response => json(401, { detail: "token expired" });
const RENEWED = (): Response => json(200, { access_token: "access-2", refresh_token: "refresh-2", token_type: "bearer" });

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("a session", () => {
  test("begins with a sign-in and is kept", async () => {
    const { client, asked } = clientOf(RENEWED());
    await client.enter("/api/v1/auth/login", { email: "a@b.example", password: "secret" });
    expect(asked).toEqual([
      { method: "POST", path: "/api/v1/auth/login", token: null, body: { email: "a@b.example", password: "secret" } },
    ]);
    client.session.reread();
    expect(client.session.tokens.value).toEqual({ access_token: "access-2", refresh_token: "refresh-2" });
  });

  test("ends here and at the API when its person leaves", async () => {
    const { client, asked } = clientOf(new Response(null, { status: 204 }));
    await client.leave();
    expect(asked).toEqual([
      { method: "POST", path: "/api/v1/auth/logout", token: null, body: { refresh_token: "refresh-1" } },
    ]);
    expect([client.session.tokens.value, client.session.expired.value]).toEqual([null, false]);
  });

  test("ends here at once, also when the API cannot be told", async () => {
    const { client } = clientOf(new TypeError("Failed to fetch"));
    const left = client.leave();
    expect(client.session.tokens.value).toBeNull();
    await left;
  });

  test("is not ended by a sign-in with a wrong password", async () => {
    const { client } = clientOf(json(401, { detail: "wrong email or password" }));
    await expect(client.enter("/api/v1/auth/login", {})).rejects.toMatchObject({
      kind: "refused",
      message: "Wrong email or password.",
    });
    expect(client.session.expired.value).toBe(false);
  });

  test("is renewed when its access token is refused, and the request is made again", async () => {
    const { client, asked } = clientOf(REFUSED(), RENEWED(), json(200, { name: "Ada" }));
    expect(await client.request("GET", ME)).toEqual({ name: "Ada" });
    expect(asked).toEqual([
      { method: "GET", path: ME, token: "access-1", body: null },
      { method: "POST", path: "/api/v1/auth/refresh", token: null, body: { refresh_token: "refresh-1" } },
      { method: "GET", path: ME, token: "access-2", body: null },
    ]);
    expect(client.session.tokens.value?.refresh_token).toBe("refresh-2");
  });

  test("is renewed once for all requests that wait for it", async () => {
    const { client, asked } = clientOf(REFUSED(), REFUSED(), RENEWED(), json(200, 1), json(200, 2));
    expect(await Promise.all([client.request("GET", ME), client.request("GET", ME)])).toEqual([1, 2]);
    expect(asked.map(({ path }) => path.split("/").at(-1))).toEqual(["me", "me", "refresh", "me", "me"]);
  });

  test("that another tab has renewed is taken over", async () => {
    const { client, asked } = clientOf(REFUSED(), json(200, {}));
    const request = client.request("GET", ME);
    client.session.begin({ access_token: "access-other", refresh_token: "refresh-other" });
    await request;
    expect(asked.map(({ path, token }) => [path, token])).toEqual([
      [ME, "access-1"],
      [ME, "access-other"],
    ]);
  });

  test.each([401, 422])("ends when its renewal is refused with %i", async (status) => {
    const { client } = clientOf(REFUSED(), json(status, { detail: "no" }));
    await expect(client.request("GET", ME)).rejects.toMatchObject({
      kind: "expired",
      message: "Your session has expired. Please sign in again.",
    });
    expect([client.session.tokens.value, client.session.expired.value]).toEqual([null, true]);
  });

  test.each([
    ["the network is away", new TypeError("Failed to fetch"), "unreachable"],
    ["the server is broken", json(502, {}), "server"],
    ["there are too many requests", json(429, {}), "limited"],
  ])("goes on when %s at its renewal", async (_, answer, kind) => {
    const { client } = clientOf(REFUSED(), answer);
    await expect(client.request("GET", ME)).rejects.toMatchObject({ kind });
    expect(client.session.tokens.value?.refresh_token).toBe("refresh-1");
  });

  test("ends when even a new token is refused", async () => {
    const { client } = clientOf(REFUSED(), RENEWED(), REFUSED());
    await expect(client.request("GET", ME)).rejects.toMatchObject({ kind: "expired" });
    expect(client.session.tokens.value).toBeNull();
  });

  test("asks one tab at a time for its renewal, where the browser has locks", async () => {
    const { client } = clientOf(REFUSED(), RENEWED(), json(200, {}));
    const request = vi.fn((_: string, work: () => Promise<void>) => work());
    vi.stubGlobal("navigator", { onLine: true, locks: { request } });
    await client.request("GET", ME);
    expect(request.mock.calls.map(([name]) => name)).toEqual(["wishwithme.renewal"]);
  });
});

describe("an answer without success becomes a sentence", () => {
  test.each([
    ["5", "Too many requests. Please try again in 5 seconds."],
    ["1", "Too many requests. Please try again in 1 second."],
    ["150", "Too many requests. Please try again in 3 minutes."],
    ["Thu, 01 Jan 2026 00:00:10 GMT", "Too many requests. Please try again in 10 seconds."],
    ["soon", "Too many requests. Please try again in a moment."],
    [null, "Too many requests. Please try again in a moment."],
  ])("429 with Retry-After %s", async (value, message) => {
    vi.useFakeTimers({ now: Date.parse("2026-01-01T00:00:00Z"), toFake: ["Date"] });
    const { client } = clientOf(json(429, {}, value ? { "Retry-After": value } : {}));
    await expect(client.request("GET", ME)).rejects.toMatchObject({ kind: "limited", message });
  });

  test.each([500, 502, 503, 504])("%i", async (status) => {
    const { client } = clientOf(new Response("<html>an error page</html>", { status }));
    await expect(client.request("GET", ME)).rejects.toMatchObject({
      kind: "server",
      message: "Something went wrong on our side. Please try again in a moment.",
    });
  });

  test.each([
    [409, { detail: "there is already such an account" }, "There is already such an account."],
    [
      422,
      { detail: [{ loc: ["body", "email"], msg: "value is not a valid email address", type: "value_error" }] },
      "Email: value is not a valid email address.",
    ],
    [400, { detail: [] }, "This did not work. Please check what you entered."],
    [404, { detail: "Not Found" }, "This is not here any more."],
  ])("%i with %j", async (status, body, message) => {
    const { client } = clientOf(json(status, body));
    await expect(client.request("POST", "/api/v1/wishlists", {})).rejects.toMatchObject({ message });
  });

  test.each([
    [true, "Wish With Me cannot be reached. Please try again in a moment."],
    [false, "You are offline. Connect to the Internet and try again."],
  ])("none at all, with the browser online: %s", async (onLine, message) => {
    const { client } = clientOf(new TypeError("Failed to fetch"));
    vi.stubGlobal("navigator", { onLine });
    await expect(client.request("GET", ME)).rejects.toMatchObject({ kind: "unreachable", message });
  });
});

test("an answer without content is nothing", async () => {
  const { client } = clientOf(new Response(null, { status: 204 }));
  expect(await client.request("DELETE", "/api/v1/items/1")).toBeUndefined();
  expect(client.base).toBe(API);
});
