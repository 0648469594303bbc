import { afterEach, expect, test, vi } from "vitest";

const heard = new Map<string, () => void>();

afterEach(() => vi.unstubAllGlobals());

test("the network is seen at the start, when it goes and when it is back", async () => {
  const device = { onLine: false };
  vi.stubGlobal("navigator", device);
  vi.stubGlobal("addEventListener", (name: string, listener: () => void) => heard.set(name, listener));
  vi.resetModules();
  const { online } = await import("../src/network");
  expect(online.value).toBe(false);
  device.onLine = true;
  heard.get("online")?.();
  expect(online.value).toBe(true);
  device.onLine = false;
  heard.get("offline")?.();
  expect(online.value).toBe(false);
});
