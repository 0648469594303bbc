import { shallowRef } from "vue";
import type { Client } from "./api/client";
import { Problem } from "./api/problem";

const NAMES = ["items:updated", "items:resolved", "wishlists:updated"] as const;
export type EventName = (typeof NAMES)[number];

/** The server says something at least every 30 s: after this long, nobody is at the other end. */
const SILENCE = 75_000;
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;

/**
 * The stream of events, opened again for as long as it is wanted.
 *
 * A connection that breaks is the browser's to open again, with Last-Event-ID. It gives up on an answer
 * that is not a stream and does not say which one it was: then a plain request finds out what is wrong
 * and renews the tokens on the way, before a stream with the new one takes over behind the last event.
 * So it goes every quarter of an hour, when the stream ends with its token. The request is none of those
 * under /auth/, which the proxy counts as tries to sign in: every tab makes it at the same moment.
 */
export class Live {
  readonly state = shallowRef<"off" | "connecting" | "live" | "lost">("off");
  #source: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastId = "";
  #failures = 0;

  constructor(
    private readonly client: Client,
    private readonly heard: (name: EventName, data: unknown) => void,
    /** Called when a stream stands again after a break. */
    private readonly returned: () => unknown,
  ) {}

  start(): void {
    this.state.value = "connecting";
    this.#open();
  }

  stop(): void {
    this.#close();
    this.#lastId = "";
    this.#failures = 0;
    this.state.value = "off";
  }

  /** Do not wait any longer: the network has come back, or the person has. */
  hurry(): void {
    if (this.state.value === "lost") void this.#again();
  }

  #open(): void {
    this.#close();
    const token = this.client.session.tokens.value?.access_token;
    if (!token) return;
    const query = new URLSearchParams({ token });
    if (this.#lastId) query.set("last_event_id", this.#lastId);
    const source = new EventSource(`${this.client.base}/api/v1/events/stream?${query}`);
    source.onopen = () => this.#opened();
    source.onerror = () => this.#broken(source);
    for (const name of NAMES) source.addEventListener(name, (event) => this.#event(name, event));
    source.addEventListener("sync:ping", (event) => this.#note(event));
    this.#source = source;
    this.#listen();
  }

  #opened(): void {
    const again = this.state.value === "lost";
    this.#failures = 0;
    this.state.value = "live";
    this.#listen();
    if (again) this.returned();
  }

  #event(name: EventName, event: MessageEvent<string>): void {
    this.#note(event);
    this.heard(name, JSON.parse(event.data));
  }

  #note({ lastEventId }: MessageEvent): void {
    this.#listen();
    if (lastEventId) this.#lastId = lastEventId;
  }

  #broken(source: EventSource): void {
    this.state.value = "lost";
    if (source.readyState === EventSource.CLOSED) this.#later();
  }

  #listen(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.state.value = "lost";
      void this.#again();
    }, SILENCE);
  }

  #later(): void {
    this.#close();
    // Not all pages at the same moment, after a server that had them all.
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures++) * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => void this.#again(), wait);
  }

  async #again(): Promise<void> {
    this.#close();
    try {
      await this.client.request("GET", "/api/v1/wishlists");
    } catch (problem) {
      if (this.state.value === "lost" && !(problem instanceof Problem && problem.kind === "expired")) {
        this.#later();
      }
      return;
    }
    if (this.state.value === "lost") this.#open();
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }
}
