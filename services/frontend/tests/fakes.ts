import { expect, vi } from "vitest";
import { Client } from "../src/api/client";
import type { Item, Wishlist } from "../src/api/types";
import { Session } from "../src/session";

export const API = "https://api.example";

/** What a browser keeps, for one test. */
export class FakeStorage implements Storage {
  readonly #kept = new Map<string, string>();
  get length(): number {
    return this.#kept.size;
  }
  clear = (): void => this.#kept.clear();
  getItem = (key: string): string | null => this.#kept.get(key) ?? null;
  key = (index: number): string | null => [...this.#kept.keys()][index] ?? null;
  removeItem = (key: string): void => void this.#kept.delete(key);
  setItem = (key: string, value: string): void => void this.#kept.set(key, value);
}

export interface Asked {
  method: string;
  path: string;
  token: string | null;
  body: unknown;
}

type Answer = Response | Error;

/**
 * A client whose API gives these answers in turn; an error stands for a network that is away.
 * Without one left a test has asked more than it meant to, and fails.
 */
export function clientOf(...answers: Answer[]): { client: Client; asked: Asked[] } {
  const asked: Asked[] = [];
  vi.stubGlobal("navigator", { onLine: true });
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    const headers = new Headers(init.headers);
    asked.push({
      method: init.method ?? "",
      path: url.replace(API, ""),
      token: headers.get("Authorization")?.replace("Bearer ", "") ?? null,
      body: init.body ? JSON.parse(init.body as string) : null,
    });
    const answer = answers.shift();
    if (!answer) return expect.unreachable(`nobody expected ${init.method} ${url}`);
    if (answer instanceof Error) throw answer;
    return answer;
  });
  const session = new Session(new FakeStorage());
  session.begin({ access_token: "access-1", refresh_token: "refresh-1" });
  return { client: new Client(API, session), asked };
}

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

export function list(id: string, more: Partial<Wishlist> = {}): Wishlist {
  const at = "2026-01-01T00:00:00Z";
  return { id, name: `List ${id}`, created_at: at, updated_at: at, items_count: 0, ...more };
}

export function item(id: string, more: Partial<Item> = {}): Item {
  const at = "2026-01-01T00:00:00Z";
  return {
    id,
    wishlist_id: "birthday",
    title: `Item ${id}`,
    source_url: null,
    image_url: null,
    price: null,
    currency: null,
    status: "ready",
    created_at: at,
    updated_at: at,
    ...more,
  };
}
