import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Live } from "../src/live";
import { API, clientOf, json } from "./fakes";

const opened: FakeSource[] = [];

/** A stream that a test drives. */
class FakeSource extends EventTarget {
  static readonly CLOSED = 2;
  readyState = 0;
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;

  constructor(readonly url: string) {
    super();
    opened.push(this);
  }

  close(): void {
    this.readyState = FakeSource.CLOSED;
  }

  /** The answer was not a stream, so the browser gives up. */
  refuse(): void {
    this.close();
    this.onerror?.();
  }

  say(name: string, data: unknown, lastEventId = ""): void {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data), lastEventId }));
  }
}

function source(): FakeSource {
  return opened.at(-1) ?? expect.unreachable("no stream was opened");
}

function streamOf(...answers: (Response | Error)[]) {
  const { client, asked } = clientOf(...answers);
  const heard = vi.fn();
  const returned = vi.fn();
  const live = new Live(client, heard, returned);
  live.start();
  return { live, client, asked, heard, returned };
}

beforeEach(() => {
  opened.length = 0;
  vi.useFakeTimers();
  vi.stubGlobal("EventSource", FakeSource);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a stream", () => {
  test("is opened with the access token and hands over each event", () => {
    const { live, heard } = streamOf();
    expect(source().url).toBe(`${API}/api/v1/events/stream?token=access-1`);
    source().onopen?.();
    expect(live.state.value).toBe("live");
    source().say("items:resolved", { id: "1" }, "7-0");
    source().say("sync:ping", {});
    expect(heard.mock.calls).toEqual([["items:resolved", { id: "1" }]]);
  });

  test("that breaks is left to the browser, and what changed meanwhile is asked for", () => {
    const { live, returned } = streamOf();
    source().onopen?.();
    source().onerror?.();
    expect(live.state.value).toBe("lost");
    source().onopen?.();
    expect([live.state.value, opened.length, returned.mock.calls.length]).toEqual(["live", 1, 1]);
  });

  test("that is refused is opened again behind the last event, with a renewed token", async () => {
    const renewed = json(200, { access_token: "access-2", refresh_token: "refresh-2" });
    const { live, asked } = streamOf(json(401, {}), renewed, json(200, {}));
    source().onopen?.();
    source().say("items:updated", { id: "1" }, "7-0");
    source().refuse();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked.map(({ path }) => path.split("/").at(-1))).toEqual(["wishlists", "refresh", "wishlists"]);
    expect(opened.length).toBe(2);
    expect(source().url).toBe(`${API}/api/v1/events/stream?token=access-2&last_event_id=7-0`);
    source().onopen?.();
    expect(live.state.value).toBe("live");
  });

  test("that ends with its token goes on with the next one behind the ping that came last", async () => {
    const renewed = json(200, { access_token: "access-2", refresh_token: "refresh-2" });
    const { live, heard, returned } = streamOf(json(401, {}), renewed, json(200, []));
    const first = source();
    first.onopen?.();
    first.say("sync:ping", {}, "7-0");
    // The server ends it; the browser opens it again by itself, with the token that has ended.
    first.onerror?.();
    expect([live.state.value, opened.length]).toEqual(["lost", 1]);
    first.refuse();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(source().url).toBe(`${API}/api/v1/events/stream?token=access-2&last_event_id=7-0`);
    source().onopen?.();
    source().say("items:updated", { id: "1" }, "8-0");
    expect([live.state.value, heard.mock.calls.length, returned.mock.calls.length]).toEqual(["live", 1, 1]);
  });

  test("is tried again more and more slowly, but at least every half minute", async () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    const { asked } = streamOf(...Array.from({ length: 9 }, () => new TypeError("Failed to fetch")));
    source().refuse();
    const times: number[] = [];
    for (let second = 1; second <= 125; second += 1) {
      const before = asked.length;
      await vi.advanceTimersByTimeAsync(1_000);
      if (asked.length > before) times.push(second);
    }
    expect(times).toEqual([1, 3, 7, 15, 31, 61, 91, 121]);
  });

  test("is not tried again when the session has ended", async () => {
    const { live, client, asked } = streamOf(json(401, {}), json(401, {}));
    source().refuse();
    await vi.advanceTimersByTimeAsync(600_000);
    expect([asked.length, opened.length, client.session.expired.value]).toEqual([2, 1, true]);
    expect(live.state.value).toBe("lost");
  });

  test("that has said nothing for long is taken for dead", async () => {
    streamOf(json(200, {}));
    source().onopen?.();
    await vi.advanceTimersByTimeAsync(70_000);
    source().say("sync:ping", {});
    await vi.advanceTimersByTimeAsync(70_000);
    expect(opened.length).toBe(1);
    await vi.advanceTimersByTimeAsync(6_000);
    expect([opened.length, opened[0]?.readyState]).toEqual([2, FakeSource.CLOSED]);
  });

  test("is tried at once when the network comes back", async () => {
    const { live } = streamOf(new TypeError("Failed to fetch"), json(200, {}));
    source().refuse();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(opened.length).toBe(1);
    live.hurry();
    await vi.advanceTimersByTimeAsync(0);
    expect(opened.length).toBe(2);
  });

  test("ends with its page", async () => {
    const { live } = streamOf();
    source().refuse();
    live.stop();
    await vi.advanceTimersByTimeAsync(600_000);
    expect([opened.length, live.state.value]).toEqual([1, "off"]);
  });
});
